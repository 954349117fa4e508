//! One frame: a u32-LE header length, a u64-LE body length, a JSON header, a raw body.
//!
//! A length is checked against [`Limits`] before anything is allocated for it, and a body's buffer
//! grows with the bytes that really arrive: a frame that only promises a gigabyte costs nothing.

use std::io::{self, Read, Write};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::message::{Header, VERSION};

/// Bytes of the two lengths.
const PREFIX: usize = 12;
/// Bytes that are written at a time, so that progress can be seen.
const PIECE: usize = 256 << 10;

/// The longest header and body that are accepted, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest header.
    pub header: u32,
    /// Longest body.
    pub body: u64,
}

impl Default for Limits {
    /// 256 MiB (100,000 boxes with what they have besides, some million paths) and 1 GiB.
    fn default() -> Self {
        Self {
            header: 256 << 20,
            body: 1 << 30,
        }
    }
}

/// Why a frame could not be read or understood.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The pipe failed.
    #[error("the pipe failed: {0}")]
    Io(#[from] io::Error),
    /// The pipe ended in the middle of a frame.
    #[error("the pipe ended in the middle of a frame")]
    Truncated,
    /// A header longer than the limit.
    #[error("a header of {length} bytes was announced; at most {limit} are accepted")]
    HeaderTooLong {
        /// Bytes announced.
        length: u32,
        /// Bytes accepted.
        limit: u32,
    },
    /// A body longer than the limit.
    #[error("a body of {length} bytes was announced; at most {limit} are accepted")]
    BodyTooLong {
        /// Bytes announced.
        length: u64,
        /// Bytes accepted.
        limit: u64,
    },
    /// A header of another version of the protocol.
    #[error("a frame of version {found} was sent; this program speaks version {VERSION}")]
    Version {
        /// The request, 0 where the header names none.
        id: u64,
        /// The version, as JSON.
        found: String,
    },
    /// A header that is no known message.
    #[error("a header can't be read: {reason}")]
    Header {
        /// The request, 0 where the header names none.
        id: u64,
        /// What is wrong.
        reason: String,
    },
}

impl FrameError {
    /// Whether the next frame can still be found after this error.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::Header { .. })
    }

    /// The request that the frame belonged to; 0 where that is unknown.
    pub fn request(&self) -> u64 {
        match self {
            Self::Version { id, .. } | Self::Header { id, .. } => *id,
            _ => 0,
        }
    }
}

/// A frame, with its header still in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The header's JSON.
    pub header: Bytes,
    /// The raw body; mostly empty.
    pub body: Bytes,
}

/// What is looked at before a header is read as a message.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    v: serde_json::Value,
    #[serde(default)]
    id: u64,
}

impl Frame {
    /// A frame that carries `message` for the request `id`.
    pub fn new<M: Serialize>(
        id: u64,
        message: M,
        body: impl Into<Bytes>,
    ) -> Result<Self, FrameError> {
        let header = serde_json::to_vec(&Header {
            v: VERSION,
            id,
            message,
        })
        .map_err(|error| FrameError::Header {
            id,
            reason: error.to_string(),
        })?;
        Ok(Self {
            header: header.into(),
            body: body.into(),
        })
    }

    /// The header as a message; another version is refused by name.
    pub fn parse<M: DeserializeOwned>(&self) -> Result<Header<M>, FrameError> {
        let envelope: Envelope =
            serde_json::from_slice(&self.header).map_err(|error| FrameError::Header {
                id: 0,
                reason: error.to_string(),
            })?;
        let id = envelope.id;
        if envelope.v != VERSION {
            return Err(FrameError::Version {
                id,
                found: envelope.v.to_string(),
            });
        }
        serde_json::from_slice(&self.header).map_err(|error| FrameError::Header {
            id,
            reason: error.to_string(),
        })
    }

    /// An error where the other side would refuse the frame for its length.
    pub fn check(&self, limits: &Limits) -> Result<(), FrameError> {
        let header = u32::try_from(self.header.len()).unwrap_or(u32::MAX);
        limits.check(header, self.body.len() as u64)
    }

    /// The next frame; `None` where the pipe ends between two.
    pub async fn read(
        reader: &mut (impl AsyncRead + Unpin),
        limits: &Limits,
    ) -> Result<Option<Self>, FrameError> {
        let mut prefix = Vec::with_capacity(PREFIX);
        (&mut *reader)
            .take(PREFIX as u64)
            .read_to_end(&mut prefix)
            .await?;
        let Some((header, body)) = limits.lengths(&prefix)? else {
            return Ok(None);
        };
        let header = take(reader, header).await?;
        let body = take(reader, body).await?;
        Ok(Some(Self { header, body }))
    }

    /// Writes the frame and flushes; `sent` is told after every piece, so that a slow pipe can be
    /// told from a dead one.
    pub async fn write(
        &self,
        writer: &mut (impl AsyncWrite + Unpin),
        sent: &(dyn Fn() + Sync),
    ) -> io::Result<()> {
        let head = self.head()?;
        for piece in head.chunks(PIECE).chain(self.body.chunks(PIECE)) {
            writer.write_all(piece).await?;
            sent();
        }
        writer.flush().await
    }

    /// [`Frame::read`] for a thread.
    pub fn read_blocking(
        reader: &mut impl Read,
        limits: &Limits,
    ) -> Result<Option<Self>, FrameError> {
        let mut prefix = Vec::with_capacity(PREFIX);
        reader
            .by_ref()
            .take(PREFIX as u64)
            .read_to_end(&mut prefix)?;
        let Some((header, body)) = limits.lengths(&prefix)? else {
            return Ok(None);
        };
        let header = take_blocking(reader, header)?;
        let body = take_blocking(reader, body)?;
        Ok(Some(Self { header, body }))
    }

    /// [`Frame::write`] for a thread.
    pub fn write_blocking(&self, writer: &mut impl Write) -> io::Result<()> {
        writer.write_all(&self.head()?)?;
        writer.write_all(&self.body)?;
        writer.flush()
    }

    /// Both lengths and the header, so that a small frame is one write.
    fn head(&self) -> io::Result<Vec<u8>> {
        let length = u32::try_from(self.header.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a header beyond 4 GiB"))?;
        let mut head = Vec::with_capacity(PREFIX + self.header.len());
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&(self.body.len() as u64).to_le_bytes());
        head.extend_from_slice(&self.header);
        Ok(head)
    }
}

impl Limits {
    /// The lengths of header and body; `None` for an empty prefix.
    fn lengths(&self, prefix: &[u8]) -> Result<Option<(u64, u64)>, FrameError> {
        if prefix.is_empty() {
            return Ok(None);
        }
        let (Some(header), Some(body)) = (prefix.first_chunk(), prefix.last_chunk()) else {
            return Err(FrameError::Truncated);
        };
        if prefix.len() < PREFIX {
            return Err(FrameError::Truncated);
        }
        let (header, body) = (u32::from_le_bytes(*header), u64::from_le_bytes(*body));
        self.check(header, body)?;
        Ok(Some((u64::from(header), body)))
    }

    fn check(&self, header: u32, body: u64) -> Result<(), FrameError> {
        if header > self.header {
            return Err(FrameError::HeaderTooLong {
                length: header,
                limit: self.header,
            });
        }
        if body > self.body {
            return Err(FrameError::BodyTooLong {
                length: body,
                limit: self.body,
            });
        }
        Ok(())
    }
}

async fn take(reader: &mut (impl AsyncRead + Unpin), length: u64) -> Result<Bytes, FrameError> {
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes).await?;
    whole(bytes, length)
}

fn take_blocking(reader: &mut impl Read, length: u64) -> Result<Bytes, FrameError> {
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    whole(bytes, length)
}

fn whole(bytes: Vec<u8>, length: u64) -> Result<Bytes, FrameError> {
    if bytes.len() as u64 == length {
        Ok(bytes.into())
    } else {
        Err(FrameError::Truncated)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::ToWorker;

    const SMALL: Limits = Limits {
        header: 1 << 10,
        body: 1 << 16,
    };

    fn bytes_of(frame: &Frame) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame.write_blocking(&mut bytes).unwrap();
        bytes
    }

    fn read_async(mut bytes: &[u8], limits: &Limits) -> Result<Option<Frame>, FrameError> {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(Frame::read(&mut bytes, limits))
    }

    fn announce(header: u32, body: u64) -> Vec<u8> {
        [&header.to_le_bytes()[..], &body.to_le_bytes()[..]].concat()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back_by_both_readers(
            frames in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..300), prop::collection::vec(any::<u8>(), 0..3000)),
                0..4,
            )
        ) {
            let frames: Vec<Frame> = frames
                .into_iter()
                .map(|(header, body)| Frame { header: header.into(), body: body.into() })
                .collect();
            let bytes: Vec<u8> = frames.iter().flat_map(bytes_of).collect();
            let mut rest = &bytes[..];
            for frame in &frames {
                let by_task = read_async(rest, &SMALL).unwrap();
                prop_assert_eq!(by_task.as_ref(), Some(frame));
                let by_thread = Frame::read_blocking(&mut rest, &SMALL).unwrap();
                prop_assert_eq!(by_thread.as_ref(), Some(frame));
            }
            prop_assert!(Frame::read_blocking(&mut rest, &SMALL).unwrap().is_none());
        }

        #[test]
        fn a_frame_that_is_cut_short_is_told_from_a_clean_end(
            header in prop::collection::vec(any::<u8>(), 0..100),
            body in prop::collection::vec(any::<u8>(), 0..100),
            keep in 0.0..1.0f64,
        ) {
            let bytes = bytes_of(&Frame { header: header.into(), body: body.into() });
            let keep = 1 + ((bytes.len() - 1) as f64 * keep) as usize;
            let cut = &bytes[..keep.min(bytes.len() - 1)];
            prop_assert!(matches!(read_async(cut, &SMALL), Err(FrameError::Truncated)));
            prop_assert!(matches!(Frame::read_blocking(&mut &cut[..], &SMALL), Err(FrameError::Truncated)));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = &bytes[..];
            while let Ok(Some(frame)) = Frame::read_blocking(&mut rest, &SMALL) {
                let _ = frame.parse::<ToWorker>();
            }
            let _ = read_async(&bytes, &SMALL);
            let _ = Frame { header: bytes.into(), body: Bytes::new() }.parse::<ToWorker>();
        }
    }

    #[test]
    fn lengths_beyond_the_limits_are_refused_with_both_numbers() {
        let header = Frame::read_blocking(&mut &announce(1025, 0)[..], &SMALL).unwrap_err();
        assert_eq!(
            header.to_string(),
            "a header of 1025 bytes was announced; at most 1024 are accepted"
        );
        let body = read_async(&announce(2, u64::MAX), &SMALL).unwrap_err();
        assert_eq!(
            body.to_string(),
            "a body of 18446744073709551615 bytes was announced; at most 65536 are accepted"
        );
        assert!(!header.is_recoverable() && !body.is_recoverable());
    }

    #[test]
    fn a_promised_gigabyte_that_never_comes_is_not_allocated() {
        let bytes = announce(0, 1 << 30);
        let frame = Frame::read_blocking(&mut &bytes[..], &Limits::default());
        assert!(matches!(frame, Err(FrameError::Truncated)));
    }

    #[test]
    fn another_version_is_refused_by_name_and_the_stream_goes_on() {
        for (header, found, id) in [
            (r#"{"v":2,"id":7,"type":"cancel"}"#, "2", 7),
            (r#"{"v":"1","id":7,"type":"shutdown"}"#, "\"1\"", 7),
            (r#"{"type":"shutdown"}"#, "null", 0),
        ] {
            let error = Frame {
                header: header.into(),
                body: Bytes::new(),
            }
            .parse::<ToWorker>()
            .unwrap_err();
            assert!(error.is_recoverable());
            assert_eq!(error.request(), id);
            assert_eq!(
                error.to_string(),
                format!("a frame of version {found} was sent; this program speaks version 1")
            );
        }
    }

    #[test]
    fn an_unknown_type_is_named_with_its_request() {
        let frame = Frame {
            header: r#"{"v":1,"id":3,"type":"dance"}"#.into(),
            body: Bytes::new(),
        };
        let error = frame.parse::<ToWorker>().unwrap_err();
        assert_eq!(error.request(), 3);
        assert!(error.is_recoverable());
        assert!(
            error.to_string().contains("unknown variant `dance`"),
            "{error}"
        );
    }
}
