//! Cutting a list of samples into messages to a worker.

use std::io::Read;
use std::path::PathBuf;

use boxwright_model::prediction::SampleError;
use boxwright_worker::{Item, Want};
use bytes::{Bytes, BytesMut};

use crate::failure::Code;
use crate::samples::SampleFile;

/// Most samples of one message.
const MAX_ITEMS: usize = 1000;
/// Most bytes of samples in one message.
const MAX_BODY: u64 = 64 << 20;
/// A larger file is not accepted as a sample.
const MAX_FILE: u64 = 512 << 20;

/// The samples to predict, and how.
pub struct SampleRequest<'a> {
    /// The samples, each with the number that its result has.
    pub samples: &'a [(u64, SampleFile)],
    /// How they are sent to the worker.
    pub transport: Transport,
    /// What is wanted for each of them.
    pub want: Want,
    /// Samples in one run of the model; the package's where absent.
    pub batch_size: Option<usize>,
}

/// The samples of one message to a worker.
pub(super) struct Batch {
    /// The samples.
    pub(super) items: Vec<Item>,
    /// The bytes of those that are sent as bytes.
    pub(super) body: Bytes,
    /// Samples whose file could not be read here.
    pub(super) unreadable: Vec<(u64, SampleError)>,
}

/// How samples are sent to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// As paths, where the worker sees the same files.
    Paths,
    /// As the content of the files, where it does not.
    Bytes,
}

/// Takes the samples of the next message off the front of `samples`. The future may be dropped at
/// any time: reading a file of a disk that does not respond then goes on by itself.
pub(super) async fn next_batch(samples: &mut &[(u64, SampleFile)], travel: Transport) -> Batch {
    let mut batch = Batch {
        items: Vec::new(),
        body: Bytes::new(),
        unreadable: Vec::new(),
    };
    let mut body = BytesMut::new();
    while let Some(((id, sample), rest)) = samples.split_first() {
        let full = batch.items.len() == MAX_ITEMS || body.len() as u64 >= MAX_BODY;
        if full {
            break;
        }
        *samples = rest;
        // A path that is not UTF-8 can't be put into JSON.
        let path = sample.path.to_str().filter(|_| travel == Transport::Paths);
        if let Some(path) = path {
            batch.items.push(Item {
                id: *id,
                path: Some(path.to_owned()),
                bytes: None,
            });
            continue;
        }
        match read(sample.path.clone()).await {
            Ok(bytes) => {
                let span = [body.len() as u64, bytes.len() as u64];
                body.extend_from_slice(&bytes);
                batch.items.push(Item {
                    id: *id,
                    path: None,
                    bytes: Some(span),
                });
            }
            Err(reason) => {
                let (code, message) = (Code::SampleUnreadable.to_string(), reason);
                batch.unreadable.push((*id, SampleError { code, message }));
            }
        }
    }
    batch.body = body.freeze();
    batch
}

/// The bytes of a sample's file, or why there are none. Only regular files are read: a pipe or a
/// device could block.
async fn read(path: PathBuf) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| {
        format!("The file can't be read: {error}. Check that it is still there.")
    };
    let reading = move || {
        let metadata = std::fs::metadata(&path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err("It is no regular file.".to_owned());
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&path)
            .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err("The file is larger than 512 MiB, and samples may not be.".to_owned());
        }
        Ok(bytes)
    };
    let read = tokio::task::spawn_blocking(reading).await;
    read.unwrap_or_else(|gone| Err(format!("The file can't be read: {gone}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(folder: &std::path::Path, count: u64) -> Vec<(u64, SampleFile)> {
        let sample = |id: u64| {
            let name = format!("{id}.jpg");
            std::fs::write(folder.join(&name), id.to_string()).expect("written");
            (
                id,
                SampleFile {
                    path: folder.join(&name),
                    name,
                },
            )
        };
        (0..count).map(sample).collect()
    }

    #[tokio::test]
    async fn samples_are_sent_in_their_order_and_a_missing_file_is_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = samples(folder.path(), 3);
        all[1].1.path = folder.path().join("missing.jpg");
        let mut rest = all.as_slice();
        let batch = next_batch(&mut rest, Transport::Bytes).await;
        assert!(rest.is_empty());
        let ids: Vec<u64> = batch.items.iter().map(|item| item.id).collect();
        assert_eq!((ids, &batch.body[..]), (vec![0, 2], &b"02"[..]));
        assert_eq!(batch.items[1].bytes, Some([1, 1]));
        assert_eq!(batch.unreadable[0].0, 1);
        assert_eq!(batch.unreadable[0].1.code, "SampleUnreadable");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_no_regular_file_is_reported_and_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = samples(folder.path(), 2);
        let socket = folder.path().join("socket.jpg");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        all[0].1.path = "/dev/zero".into();
        all[1].1.path = socket;
        let batch = next_batch(&mut all.as_slice(), Transport::Bytes).await;
        assert!(batch.items.is_empty());
        for (_, error) in batch.unreadable {
            assert_eq!(error.message, "It is no regular file.");
        }
    }

    #[tokio::test]
    async fn messages_are_bounded_and_leave_nothing_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let all: Vec<(u64, SampleFile)> = (0..2500)
            .map(|id| {
                (
                    id,
                    SampleFile {
                        name: String::new(),
                        path: folder.path().join("x"),
                    },
                )
            })
            .collect();
        let mut rest = all.as_slice();
        let mut sizes = Vec::new();
        while !rest.is_empty() {
            let batch = next_batch(&mut rest, Transport::Paths).await;
            sizes.push(batch.items.len());
        }
        assert_eq!(sizes, [1000, 1000, 500]);
    }
}
