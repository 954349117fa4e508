//! Small JSON files: written atomically, and read even where they are damaged.

use std::fs::{self, File};
use std::path::Path;

use boxwright_files::WriteOptions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::write_failure;
use crate::failure::Failure;

/// The JSON value in `path`; the default where there is no such file or it is damaged.
pub fn read<T: DeserializeOwned + Default>(path: &Path) -> T {
    let Ok(text) = fs::read(path) else {
        return T::default();
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "a damaged file is ignored");
        T::default()
    })
}

/// The entries of the JSON array in `path` that can be read; damaged ones are ignored.
pub fn read_list<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let entries: Vec<serde_json::Value> = read(path);
    entries
        .into_iter()
        .filter_map(|entry| serde_json::from_value(entry).ok())
        .collect()
}

/// Writes `value` as JSON, atomically, for this user only.
///
/// # Errors
/// [`DiskFull`](crate::failure::Code::DiskFull) and [`Internal`](crate::failure::Code::Internal), naming the file.
pub fn write<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| {
        Failure::internal(format!("{} can't be written", path.display())).caused_by(&error)
    })?;
    write_bytes(path, &text)
}

/// Writes `bytes` atomically, for this user only.
///
/// # Errors
/// [`DiskFull`](crate::failure::Code::DiskFull) and [`Internal`](crate::failure::Code::Internal), naming the file.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let options = WriteOptions::new().private().synced();
    fs::create_dir_all(folder)
        .and_then(|()| options.write(path, bytes))
        .map_err(|error| write_failure(path, &error))
}

/// Reads a list, applies `change`, and writes the list back, under a lock that other processes
/// respect.
///
/// # Errors
/// As [`write()`].
pub fn update_list<T, R>(path: &Path, change: impl FnOnce(&mut Vec<T>) -> R) -> Result<R, Failure>
where
    T: Serialize + DeserializeOwned,
{
    let folder = path.parent().unwrap_or(Path::new("."));
    let lock = || -> std::io::Result<File> {
        fs::create_dir_all(folder)?;
        let file = File::create(path.with_extension("lock"))?;
        file.lock()?;
        Ok(file)
    };
    let _lock = lock().map_err(|error| write_failure(path, &error))?;
    let mut list = read_list(path);
    let result = change(&mut list);
    write(path, &list)?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_reads_as_the_default_and_a_damaged_entry_is_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list.json");
        assert_eq!(read_list::<u32>(&path), Vec::<u32>::new());
        fs::write(&path, b"[1, 2").expect("written");
        assert_eq!(read_list::<u32>(&path), Vec::<u32>::new());
        fs::write(&path, br#"[1, "two", 3]"#).expect("written");
        assert_eq!(read_list::<u32>(&path), [1, 3]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_written_for_its_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/settings.json");
        write(&path, &[1, 2]).expect("written");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read_list::<u32>(&path), [1, 2]);
    }

    #[test]
    fn updates_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list.json");
        std::thread::scope(|scope| {
            for number in 0..16u32 {
                let path = &path;
                scope.spawn(move || update_list(path, |list| list.push(number)).expect("updated"));
            }
        });
        let mut list = read_list::<u32>(&path);
        list.sort_unstable();
        assert_eq!(list, (0..16).collect::<Vec<_>>());
    }
}
