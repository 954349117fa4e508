//! Request bodies that come compressed (`Content-Encoding`).

use std::io::Read;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::server::problem::Problem;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950; some send the bare stream of RFC 1951 by this name, and are understood.
    Deflate,
}

/// What the headers say; `None` for a body that is not compressed.
///
/// # Errors
/// Where the body is compressed in another way, or twice.
pub fn of(headers: &HeaderMap) -> Result<Option<Encoding>, Problem> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let (value, None) = (values.next(), values.next()) else {
        return Err(Problem::bad_request(
            "there is more than one Content-Encoding",
        ));
    };
    let name = match value.map(|value| value.to_str()) {
        None => return Ok(None),
        Some(name) => name.unwrap_or("?").trim().to_ascii_lowercase(),
    };
    match name.as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Encoding::Gzip)),
        "deflate" => Ok(Some(Encoding::Deflate)),
        _ => Err(Problem::bad_request(format!(
            "the Content-Encoding `{name}` is not understood; gzip, deflate and identity are"
        ))),
    }
}

impl Encoding {
    /// The decompressed body, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// Where the body is broken, or longer.
    pub fn decode(self, body: &[u8], limit: usize) -> Result<Bytes, Problem> {
        match self {
            Self::Gzip => bounded(MultiGzDecoder::new(body), limit),
            Self::Deflate if has_zlib_header(body) => bounded(ZlibDecoder::new(body), limit),
            Self::Deflate => bounded(DeflateDecoder::new(body), limit),
        }
    }
}

/// RFC 1950, 2.2: method 8, and a check that makes both bytes a multiple of 31.
fn has_zlib_header(body: &[u8]) -> bool {
    matches!(body, [method, check, ..]
        if method & 0x0f == 8 && u16::from_be_bytes([*method, *check]) % 31 == 0)
}

fn bounded(reader: impl Read, limit: usize) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    let one_more = (limit as u64).saturating_add(1);
    reader
        .take(one_more)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Problem::bad_request(format!(
                "the body is not compressed as Content-Encoding says: {error}"
            ))
        })?;
    if bytes.len() > limit {
        return Err(Problem::too_large(limit));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::HeaderValue;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;
    use crate::server::problem::Kind;

    fn compressed(bytes: &[u8]) -> [(Encoding, Vec<u8>); 3] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        zlib.write_all(bytes).unwrap();
        bare.write_all(bytes).unwrap();
        [
            (Encoding::Gzip, gzip.finish().unwrap()),
            (Encoding::Deflate, zlib.finish().unwrap()),
            (Encoding::Deflate, bare.finish().unwrap()),
        ]
    }

    #[test]
    fn what_decompresses_past_the_limit_is_refused() {
        for (encoding, body) in compressed(&vec![0; 10 << 20]) {
            assert!(body.len() < 1 << 20);
            let problem = encoding.decode(&body, (10 << 20) - 1).unwrap_err();
            assert_eq!(problem.kind, Kind::TooLarge);
            assert!(encoding.decode(&body, 10 << 20).is_ok());
        }
    }

    #[test]
    fn another_encoding_is_named() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers).unwrap(), None);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("GZip"));
        assert_eq!(of(&headers).unwrap(), Some(Encoding::Gzip));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        assert!(of(&headers).unwrap_err().message.contains("`br`"));
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(of(&headers).is_err());
    }

    proptest! {
        #[test]
        fn compressed_bodies_come_back(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            for (encoding, body) in compressed(&bytes) {
                prop_assert_eq!(&encoding.decode(&body, 2000).unwrap()[..], &bytes[..]);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            for encoding in [Encoding::Gzip, Encoding::Deflate] {
                let _ = encoding.decode(&bytes, 1000);
            }
        }
    }
}
