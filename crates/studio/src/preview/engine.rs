//! One worker, and what has been asked of it: shared by the command line's preview, the window's,
//! and the proof.

use std::io::Read;
use std::path::PathBuf;

use boxwright_build::DataDir;
use boxwright_model::LoadedPackage;
use boxwright_model::package::FILE_NAME;
use boxwright_model::prediction::{Outcome, SampleError};
use boxwright_worker::{FromWorkerResult, Item, Load, Loaded, Worker, WorkerCommand, WorkerError};
use bytes::{Bytes, BytesMut};

use crate::failure::{Code, Failure};
use crate::samples::SampleFile;
use crate::tensor;

/// Most samples of one request.
const MAX_ITEMS: usize = 1000;
/// Most bytes of samples that travel in one request.
const MAX_BODY: u64 = 64 << 20;
/// A larger file is no sample.
const MAX_FILE: u64 = 512 << 20;

/// How a package is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// `auto`, `cpu`, `webgpu` or `cuda`.
    pub device: String,
    /// Threads that predict; 0 for one a core.
    pub threads: usize,
    /// Most pixels of a picture, judged before decoding; the worker's own limit where absent.
    pub max_pixels: Option<u64>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            device: "auto".to_owned(),
            threads: 0,
            max_pixels: None,
        }
    }
}

/// A worker of this machine that is kept from one preview to the next.
pub struct Engine {
    command: WorkerCommand,
    worker: Option<Worker>,
}

impl Engine {
    /// Nothing is started before it is needed.
    pub fn new(share: &DataDir) -> Self {
        Self {
            command: command(share),
            worker: None,
        }
    }

    /// Ends the worker, by force.
    pub fn kill(&mut self) {
        self.worker = None;
    }

    /// Ends the worker after what is in flight.
    pub async fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
    }

    /// The worker with `package` loaded; starts it where there is none. A worker that has died
    /// since it was last used is replaced. The worker is always asked: it knows whether the files
    /// are still those that it has loaded, and then keeps its session.
    ///
    /// # Errors
    /// What the worker can't be started for, or refuses the package for. It is gone afterwards if
    /// it was lost.
    pub async fn load(
        &mut self,
        package: &LoadedPackage,
        options: &RunOptions,
    ) -> Result<(&mut Worker, Loaded), Failure> {
        let was_kept = self.worker.as_ref().is_some_and(Worker::is_running);
        let mut result = self.try_load(package, options).await?;
        if was_kept && matches!(result, Err(WorkerError::Lost { .. })) {
            result = self.try_load(package, options).await?;
        }
        let loaded = result?;
        let started = self.worker.as_mut();
        let worker = started.ok_or_else(|| Failure::internal("the worker is gone"))?;
        Ok((worker, loaded))
    }

    async fn try_load(
        &mut self,
        package: &LoadedPackage,
        options: &RunOptions,
    ) -> Result<Result<Loaded, WorkerError>, Failure> {
        let load = load_of(package, options)?;
        let mut worker = match self.worker.take().filter(Worker::is_running) {
            Some(worker) => worker,
            None => Worker::start(&self.command).await?,
        };
        // While this waits the worker is its own: a caller that gives up ends it.
        let result = worker.load(load).await;
        if worker.is_running() {
            self.worker = Some(worker);
        }
        Ok(result)
    }
}

/// The program that runs packages on this machine, found in the share folder.
pub fn command(share: &DataDir) -> WorkerCommand {
    WorkerCommand::new(share.serve_program())
}

fn load_of(package: &LoadedPackage, options: &RunOptions) -> Result<Load, Failure> {
    let path = package.root.join(FILE_NAME);
    let Some(text) = path.to_str() else {
        return Err(Failure::new(
            Code::PackageInvalid,
            format!(
                "the folder {} has a name that is not UTF-8",
                package.root.display()
            ),
            "Rename it.",
        ));
    };
    Ok(Load {
        package: text.to_owned(),
        inline: Some(Box::new(package.package.clone())),
        device: options.device.clone(),
        threads: options.threads,
        max_pixels: options.max_pixels,
    })
}

/// Samples of one request to a worker.
pub struct Batch {
    /// The samples.
    pub items: Vec<Item>,
    /// Those that travel as bytes.
    pub body: Bytes,
    /// Samples whose file could not be read here.
    pub unreadable: Vec<(u64, SampleError)>,
}

/// Whether samples travel by path or as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Travel {
    /// By path, where the worker sees the same files.
    Paths,
    /// As bytes, where it does not.
    Bytes,
}

/// Takes the next request's worth of samples off the front of `samples`; ids are theirs. May be
/// given up at any time: a file of a disk that hangs is left to itself.
pub async fn next_batch(samples: &mut &[(u64, SampleFile)], travel: Travel) -> Batch {
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
        let path = sample.path.to_str().filter(|_| travel == Travel::Paths);
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

/// The bytes of a sample's file, or why there are none. A pipe or a device would be waited for.
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

/// A result's outcome with its raw outputs as numbers.
pub fn outcome(result: FromWorkerResult) -> Outcome {
    if result.tensors.is_empty() {
        return result.outcome;
    }
    let printed = result.tensors.iter().map(|(name, tensor)| {
        let printed = tensor::printed(tensor).ok_or(name)?;
        Ok((name.clone(), printed))
    });
    match printed.collect::<Result<_, &String>>() {
        Ok(outputs) => Outcome::Outputs(outputs),
        Err(name) => Outcome::Error(SampleError {
            code: Code::ShapeMismatch.to_string(),
            message: format!("the output {name} has elements that can't be printed"),
        }),
    }
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
    async fn samples_travel_in_their_order_and_a_missing_file_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = samples(folder.path(), 3);
        all[1].1.path = folder.path().join("missing.jpg");
        let mut rest = all.as_slice();
        let batch = next_batch(&mut rest, Travel::Bytes).await;
        assert!(rest.is_empty());
        let ids: Vec<u64> = batch.items.iter().map(|item| item.id).collect();
        assert_eq!((ids, &batch.body[..]), (vec![0, 2], &b"02"[..]));
        assert_eq!(batch.items[1].bytes, Some([1, 1]));
        assert_eq!(batch.unreadable[0].0, 1);
        assert_eq!(batch.unreadable[0].1.code, "SampleUnreadable");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_no_regular_file_is_said_rather_than_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = samples(folder.path(), 2);
        let socket = folder.path().join("socket.jpg");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        all[0].1.path = "/dev/zero".into();
        all[1].1.path = socket;
        let batch = next_batch(&mut all.as_slice(), Travel::Bytes).await;
        assert!(batch.items.is_empty());
        for (_, error) in batch.unreadable {
            assert_eq!(error.message, "It is no regular file.");
        }
    }

    #[tokio::test]
    async fn requests_are_bounded_and_leave_nothing_out() {
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
            let batch = next_batch(&mut rest, Travel::Paths).await;
            sizes.push(batch.items.len());
        }
        assert_eq!(sizes, [1000, 1000, 500]);
    }
}
