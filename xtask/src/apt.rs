//! Debian packages of any architecture, through an apt of our own: no root is needed, and nothing
//! is added to the user's system. Signatures are checked as the system's own apt does.

use std::fs;
use std::path::{Path, PathBuf};

use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{lock, process, stamp};

/// The release whose packages images are made of.
const RELEASE: &str = "bookworm";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A package as a lock file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The processor that it is for; nothing for all.
    pub arch: Option<Arch>,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// An apt of our own.
pub struct Apt {
    folder: PathBuf,
    debs: PathBuf,
    updated: bool,
}

impl Package {
    /// The processor's name in lock files.
    pub fn processor(&self) -> &'static str {
        self.arch.map_or("all", Arch::name)
    }
}

/// The package as apt is asked for it.
fn request(arch: Option<Arch>, name: &str) -> String {
    match arch {
        Some(arch) => format!("{name}:{arch}"),
        None => name.to_owned(),
    }
}

impl Apt {
    /// Keeps its lists and packages in the cache.
    pub fn new(places: &Places) -> Self {
        let folder = places.cache.join("apt");
        Self {
            debs: places.cache.join("downloads/debs"),
            folder,
            updated: false,
        }
    }

    /// The locked package's file. Where the mirrors no longer have that version, the current one
    /// is taken, and that is said.
    pub fn fetch(&mut self, wanted: &Package) -> Result<(Package, PathBuf)> {
        let kept = self.kept(&wanted.sha256);
        if kept.is_file() && lock::sha256(&kept)? == wanted.sha256 {
            return Ok((wanted.clone(), kept));
        }
        let exact = format!("{}={}", request(wanted.arch, &wanted.name), wanted.version);
        match self.download(&exact) {
            Ok(file) => {
                let found = lock::sha256(&file)?;
                if found != wanted.sha256 {
                    return Err(format!(
                        "{exact} has SHA-256 {found}, and the lock file says {}: it is not used",
                        wanted.sha256
                    ));
                }
                self.keep(wanted.clone(), &file)
            }
            Err(_) => {
                let current = self.current(wanted.arch, &wanted.name)?;
                println!(
                    "    {} {} is gone from the mirrors: {} is taken instead. \
                     `cargo xtask base --update-lock` locks it.",
                    wanted.name, wanted.version, current.0.version
                );
                Ok(current)
            }
        }
    }

    /// The current version of a package.
    pub fn current(&mut self, arch: Option<Arch>, name: &str) -> Result<(Package, PathBuf)> {
        let file = self.download(&request(arch, name))?;
        let version = process::output(&mut process::command(
            "dpkg-deb",
            ["--field".as_ref(), file.as_os_str(), "Version".as_ref()],
        ))?;
        let package = Package {
            arch,
            name: name.to_owned(),
            version: version.trim().to_owned(),
            sha256: lock::sha256(&file)?,
        };
        self.keep(package, &file)
    }

    fn kept(&self, sha256: &str) -> PathBuf {
        self.debs.join(format!("{sha256}.deb"))
    }

    fn keep(&self, package: Package, file: &Path) -> Result<(Package, PathBuf)> {
        let kept = self.kept(&package.sha256);
        fs::create_dir_all(&self.debs).map_err(|error| stamp::failed(&self.debs, &error))?;
        fs::rename(file, &kept).map_err(|error| stamp::failed(&kept, &error))?;
        Ok((package, kept))
    }

    /// Downloads `package`, which may name an architecture and a version.
    pub fn download(&mut self, package: &str) -> Result<PathBuf> {
        self.update()?;
        let folder = self.folder.join("download");
        stamp::clear(&folder)?;
        fs::create_dir_all(&folder).map_err(|error| stamp::failed(&folder, &error))?;
        let mut command = self.apt_get(["download", package])?;
        process::output(command.current_dir(&folder))?;
        let files = stamp::files(&folder)?;
        let file = files
            .first()
            .ok_or_else(|| format!("apt-get brought no {package}"))?;
        Ok(folder.join(file))
    }

    /// Fetches the lists of packages, once.
    fn update(&mut self) -> Result {
        if self.updated {
            return Ok(());
        }
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            let folder = self.folder.join(folder);
            fs::create_dir_all(&folder).map_err(|error| stamp::failed(&folder, &error))?;
        }
        stamp::write(&self.folder.join("state/status"), "")?;
        stamp::write(&self.folder.join("sources.list"), sources()?)?;
        println!("    fetching Debian's lists of packages");
        process::output(&mut self.apt_get(["update"])?)?;
        self.updated = true;
        Ok(())
    }

    fn apt_get<const N: usize>(&self, words: [&str; N]) -> Result<std::process::Command> {
        let folder = self.folder.display();
        let host = Arch::host()?;
        let mut options = vec![
            format!("Dir::State={folder}/state"),
            format!("Dir::State::status={folder}/state/status"),
            format!("Dir::Cache={folder}/cache"),
            format!("Dir::Etc::SourceList={folder}/sources.list"),
            "Dir::Etc::SourceParts=-".to_owned(),
            format!("APT::Architecture={host}"),
            "Acquire::Languages=none".to_owned(),
            // As root, apt would use a user who may not write here.
            "APT::Sandbox::User=".to_owned(),
        ];
        options.extend(Arch::ALL.map(|arch| format!("APT::Architectures::={arch}")));
        let options = options
            .into_iter()
            .flat_map(|option| ["-o".to_owned(), option]);
        let mut command = process::command("apt-get", options);
        command.args(words).env("LC_ALL", "C.UTF-8");
        Ok(command)
    }
}

/// The system's own mirrors of the release, by the keys of Debian.
fn sources() -> Result<String> {
    let format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
    let arguments = ["indextargets", "--format", format, "Created-By: Packages"];
    let listed = process::output(&mut process::command("apt-get", arguments))?;
    let mut lines: Vec<String> = listed
        .lines()
        .filter_map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
            [mirror, release, "main"]
                if release == RELEASE
                    || release == format!("{RELEASE}-updates")
                    || release == format!("{RELEASE}-security") =>
            {
                Some(format!(
                    "deb [signed-by={KEYRING}] {mirror} {release} main\n"
                ))
            }
            _ => None,
        })
        .collect();
    lines.sort();
    lines.dedup();
    match lines
        .iter()
        .any(|line| line.contains(&format!(" {RELEASE} ")))
    {
        true => Ok(lines.concat()),
        false => Err(format!(
            "this system's apt has no mirror of Debian 12 ({RELEASE}), whose packages the images \
             are made of: add one to /etc/apt/sources.list.d"
        )),
    }
}
