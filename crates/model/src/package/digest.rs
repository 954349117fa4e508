//! Digests of the model's files.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Bytes that are read and hashed at once.
const CHUNK: usize = 1 << 20;

/// SHA-256 of each file in lower-case hexadecimal. `on_bytes` is told the bytes of each step.
///
/// # Errors
/// [`Error::Io`] for the first file that can't be read.
pub fn hash_files(files: &[PathBuf], on_bytes: &mut dyn FnMut(u64)) -> Result<Vec<String>> {
    let mut chunk = vec![0; CHUNK];
    files
        .iter()
        .map(|path| hash_file(path, &mut chunk, on_bytes))
        .collect()
}

fn hash_file(path: &PathBuf, chunk: &mut [u8], on_bytes: &mut dyn FnMut(u64)) -> Result<String> {
    let io = |source| Error::io(path, "read", source);
    let mut file = File::open(path).map_err(io)?;
    let mut hash = Sha256::new();
    loop {
        match file.read(chunk) {
            Ok(0) => return Ok(hexadecimal(&hash.finalize())),
            Ok(count) => {
                hash.update(&chunk[..count]);
                on_bytes(count as u64);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io(error)),
        }
    }
}

/// The digest of a model, `sha256:…`: that of the list of its files, a line each with the file's
/// SHA-256, two spaces and its path in the package, as `sha256sum` writes it. `files` holds path
/// and SHA-256.
pub fn model_digest(files: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for (path, sha256) in files {
        hash.update(format!("{sha256}  {path}\n"));
    }
    format!("sha256:{}", hexadecimal(&hash.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hash_as_sha256sum_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, b"").unwrap();
        std::fs::write(&b, vec![b'x'; CHUNK + 5]).unwrap();
        let mut seen = 0;
        let hashes = hash_files(&[a, b], &mut |count| seen += count).unwrap();
        assert_eq!(
            hashes[0],
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(seen, CHUNK as u64 + 5);
    }

    #[test]
    fn the_model_digest_is_that_of_the_list() {
        // printf '%s  %s\n' aa model.onnx bb weights.bin | sha256sum
        let digest = model_digest(&[
            ("model.onnx".to_owned(), "aa".to_owned()),
            ("weights.bin".to_owned(), "bb".to_owned()),
        ]);
        assert_eq!(
            digest,
            "sha256:57e48941b8b665178821a196c44a46fa5d55e90fb1ca0d876067a4ca53c6e3d0"
        );
    }
}
