//! The base layers: the C library and what belongs to it, out of Debian's packages, without a
//! shell, and with the copyright and status of every package for those who scan images.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::apt::{Apt, Package};
use crate::layer::{self, Component};
use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{lock, process, setup, stamp};

/// What a base is made of: packages for one processor, and packages for all.
const PACKAGES: [(&str, bool); 8] = [
    ("base-files", true),
    ("ca-certificates", false),
    ("gcc-12-base", true),
    ("libc6", true),
    ("libgcc-s1", true),
    ("libstdc++6", true),
    ("netbase", false),
    ("tzdata", false),
];

const PASSWD: &str = "\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
";
const GROUP: &str = "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n";
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// `cargo xtask base`.
pub fn run(places: &Places, update_lock: bool) -> Result {
    setup::run(places, setup::Need::Images)?;
    make(places, update_lock).map(drop)
}

/// Makes the base of every platform.
pub fn make(places: &Places, update_lock: bool) -> Result<Vec<Component>> {
    let path = places.root.join("xtask/base.lock");
    if update_lock {
        process::step("Lock file of the base", || write_lock(places, &path))?;
    }
    let locked = read_lock(&path)?;
    let mut made = Vec::new();
    for arch in Arch::ALL {
        let heading = format!("Base for linux/{arch}");
        let folder = process::step(&heading, || base(places, arch, &locked))?;
        made.push(Component {
            kind: "base",
            target: "all",
            arch,
            made: folder,
        });
    }
    Ok(made)
}

fn base(places: &Places, arch: Arch, locked: &[Package]) -> Result<PathBuf> {
    let wanted: Vec<&Package> = locked
        .iter()
        .filter(|package| package.arch.is_none_or(|of| of == arch))
        .collect();
    let mut key = stamp::Key::new(include_str!("base.rs"));
    for package in &wanted {
        key = key.text(&package.name).text(&package.sha256);
    }
    stamp::made(&places.cache, &format!("base-{arch}"), &key, |folder| {
        let mut apt = Apt::new(places);
        let (mut layer, mut sources) = (Layer::new(arch, folder), Vec::new());
        for (name, _) in PACKAGES {
            let package = wanted.iter().find(|package| package.name == name);
            let package = package.ok_or_else(|| {
                format!(
                    "the lock file names no {name} for {arch}: `cargo xtask base --update-lock`"
                )
            })?;
            let (package, file) = apt.fetch(package)?;
            layer.add(&package, &file)?;
            sources.push(format!(
                "{}\t{}\t{}",
                package.name, package.version, package.sha256
            ));
        }
        let entries = layer.finish()?;
        layer::write(places, folder, &entries, &sources)?;
        stamp::clear(&folder.join("unpacked"))
    })
}

/// A base while it is being put together: what is in it, by path.
struct Layer<'a> {
    arch: Arch,
    folder: &'a Path,
    entries: BTreeMap<String, Entry>,
}

enum Entry {
    Folder(&'static str),
    File(bool, PathBuf),
    Link(String),
}

impl<'a> Layer<'a> {
    fn new(arch: Arch, folder: &'a Path) -> Self {
        Self {
            arch,
            folder,
            entries: BTreeMap::new(),
        }
    }

    /// Adds what is wanted of a package.
    fn add(&mut self, package: &Package, deb: &Path) -> Result {
        let unpacked = self.folder.join("unpacked").join(&package.name);
        let (root, control) = (unpacked.join("root"), unpacked.join("control"));
        for (action, to) in [("--extract", &root), ("--control", &control)] {
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder).map_err(|error| stamp::failed(folder, &error))?;
            }
            let words = [action.as_ref(), deb.as_os_str(), to.as_os_str()];
            process::run(&mut process::command("dpkg-deb", words))?;
        }
        for file in stamp::files(&root)? {
            let path = file.to_string_lossy();
            if let Some(place) = self.place(&path) {
                let entry = entry(&place, &root.join(&file))?;
                self.entries.insert(place, entry);
            }
        }
        if package.name == "ca-certificates" {
            self.certificates(&root.join("usr/share/ca-certificates/mozilla"))?;
        }
        self.status(&package.name, &control)
    }

    /// Where a file of a package goes, if it is wanted: /lib and its like are links into /usr.
    fn place(&self, path: &str) -> Option<String> {
        let place = match path.split('/').next() {
            Some("lib" | "lib64") => format!("usr/{path}"),
            _ => path.to_owned(),
        };
        let libraries = format!("usr/lib/{}/", self.arch.multiarch());
        let wanted = match place.strip_prefix(&libraries) {
            // Character sets, and what looks into other programs.
            Some(library) => !library.contains('/') && library.contains(".so"),
            None => {
                let doc = place.strip_prefix("usr/share/doc/");
                let zone = place.strip_prefix("usr/share/zoneinfo/");
                place.starts_with("usr/lib64/")
                    || place.starts_with("usr/lib/ld-linux")
                    || place.starts_with("usr/share/common-licenses/")
                    || doc.is_some_and(|doc| doc.ends_with("/copyright") || !doc.contains('/'))
                    || zone.is_some_and(|zone| {
                        !zone.starts_with("right/") && !zone.starts_with("posix/")
                    })
                    || [
                        "etc/debian_version",
                        "etc/host.conf",
                        "etc/os-release",
                        "etc/protocols",
                        "etc/services",
                        "usr/lib/os-release",
                    ]
                    .contains(&place.as_str())
            }
        };
        wanted.then_some(place)
    }

    /// All certificates in one file, as `update-ca-certificates` makes it.
    fn certificates(&mut self, folder: &Path) -> Result {
        let mut bundle = String::new();
        for file in stamp::files(folder)? {
            bundle.push_str(stamp::read(&folder.join(file))?.trim_end());
            bundle.push('\n');
        }
        self.write("etc/ssl/certs/ca-certificates.crt", &bundle)
    }

    /// What scanners read where there is no dpkg: the package's fields, and its files' sums.
    fn status(&mut self, name: &str, control: &Path) -> Result {
        let fields = stamp::read(&control.join("control"))?;
        let (first, rest) = fields
            .split_once('\n')
            .ok_or_else(|| format!("{name} has no control fields"))?;
        let status = format!("{first}\nStatus: install ok installed\n{rest}");
        self.write(&format!("var/lib/dpkg/status.d/{name}"), &status)?;
        let sums = stamp::read(&control.join("md5sums"))?;
        let kept: String = sums
            .lines()
            .filter(|line| {
                let path = line.split_once("  ").map(|(_, path)| path);
                path.is_some_and(|path| self.place(path).is_some())
            })
            .map(|line| format!("{line}\n"))
            .collect();
        self.write(&format!("var/lib/dpkg/status.d/{name}.md5sums"), &kept)
    }

    fn write(&mut self, place: &str, content: &str) -> Result {
        let file = self.folder.join("unpacked/own").join(place);
        stamp::write(&file, content)?;
        self.entries
            .insert(place.to_owned(), Entry::File(false, file));
        Ok(())
    }

    /// The layer's entries, as `boxwright-assemble` reads them.
    fn finish(mut self) -> Result<String> {
        self.write("etc/passwd", PASSWD)?;
        self.write("etc/group", GROUP)?;
        self.write("etc/nsswitch.conf", NSSWITCH)?;
        let folders = [
            (
                "755",
                [
                    "dev",
                    "etc",
                    "home",
                    "home/nonroot",
                    "proc",
                    "run",
                    "sys",
                    "var",
                ]
                .as_slice(),
            ),
            ("755", &["usr/bin", "usr/sbin", "usr/lib", "usr/lib64"]),
            ("1777", &["tmp", "var/tmp"]),
            ("700", &["root"]),
        ];
        for (mode, paths) in folders {
            let folders = paths
                .iter()
                .map(|path| ((*path).to_owned(), Entry::Folder(mode)));
            self.entries.extend(folders);
        }
        let links = [
            ("bin", "usr/bin"),
            ("lib", "usr/lib"),
            ("lib64", "usr/lib64"),
            ("sbin", "usr/sbin"),
            ("etc/localtime", "../usr/share/zoneinfo/Etc/UTC"),
        ];
        let links = links.map(|(path, to)| (path.to_owned(), Entry::Link(to.to_owned())));
        self.entries.extend(links);
        let lines = self.entries.iter().map(|(path, entry)| match entry {
            Entry::Folder(mode) => format!("dir\t{mode}\t{path}\n"),
            Entry::File(true, from) => format!("file\t755\t{path}\t{}\n", from.display()),
            Entry::File(false, from) => format!("file\t644\t{path}\t{}\n", from.display()),
            Entry::Link(to) => format!("link\t{path}\t{to}\n"),
        });
        Ok(lines.collect())
    }
}

/// The entry of a package's file. Absolute links become relative ones: they mean the same in the
/// image, and nothing else outside it.
fn entry(place: &str, file: &Path) -> Result<Entry> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file
        .symlink_metadata()
        .map_err(|error| stamp::failed(file, &error))?;
    if !metadata.is_symlink() {
        let executable = metadata.permissions().mode() & 0o100 != 0;
        return Ok(Entry::File(executable, file.to_owned()));
    }
    let target = std::fs::read_link(file).map_err(|error| stamp::failed(file, &error))?;
    let target = target.to_string_lossy();
    Ok(Entry::Link(match target.strip_prefix('/') {
        Some(from_root) => {
            let up = "../".repeat(place.matches('/').count());
            format!("{up}{from_root}")
        }
        None => target.into_owned(),
    }))
}

fn read_lock(path: &Path) -> Result<Vec<Package>> {
    let lines = lock::read(path)?;
    let packages = lines.iter().map(|words| match words.as_slice() {
        [processor, name, version, sha256] => Ok(Package {
            arch: match Arch::ALL
                .into_iter()
                .find(|known| known.name() == processor)
            {
                None if processor != "all" => {
                    return Err(format!("{}: {processor} is no processor", path.display()));
                }
                known => known,
            },
            name: name.clone(),
            version: version.clone(),
            sha256: sha256.clone(),
        }),
        words => Err(format!("{}: {words:?} is no entry", path.display())),
    });
    packages.collect()
}

fn write_lock(places: &Places, path: &Path) -> Result {
    let mut text = String::from(
        "# Debian 12's packages in the images' base, written by `cargo xtask base --update-lock`.\n\
         # PROCESSOR NAME VERSION SHA256\n",
    );
    let mut apt = Apt::new(places);
    for (name, each) in PACKAGES {
        let processors = match each {
            true => Arch::ALL.map(Some).to_vec(),
            false => vec![None],
        };
        for arch in processors {
            let (package, _) = apt.current(arch, name)?;
            let processor = package.processor();
            let (version, sha256) = (&package.version, &package.sha256);
            text.push_str(&format!("{processor} {name} {version} {sha256}\n"));
        }
    }
    stamp::write(path, text)
}
