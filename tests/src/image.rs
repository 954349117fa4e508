//! An image archive, taken apart without our own code.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use object::read::elf::{ElfFile64, FileHeader, SectionHeader};
use object::{Endianness, elf};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The files of an OCI archive, by path.
#[derive(Debug)]
pub struct Archive(BTreeMap<String, Vec<u8>>);

/// One entry of a layer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its content; empty but for regular files.
    pub content: Vec<u8>,
    /// Permissions.
    pub mode: u32,
    /// User and group.
    pub owner: (u64, u64),
    /// Seconds since 1970.
    pub mtime: u64,
    /// Where a link leads.
    pub link: Option<PathBuf>,
}

/// A manifest of one platform with its config and layers.
#[derive(Debug)]
pub struct Image {
    /// The manifest.
    pub manifest: Value,
    /// The config.
    pub config: Value,
    /// The layers, bottom to top.
    pub layers: Vec<BTreeMap<String, Entry>>,
}

impl Archive {
    /// Reads one.
    ///
    /// # Panics
    /// When it is no archive.
    pub fn open(path: &Path) -> Self {
        let files = entries(File::open(path).unwrap());
        Self(
            files
                .into_iter()
                .map(|(name, entry)| (name, entry.content))
                .collect(),
        )
    }

    /// A JSON file of the archive.
    ///
    /// # Panics
    /// When it is not there.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(self.0.get(name).unwrap_or_else(|| panic!("no {name}"))).unwrap()
    }

    /// A blob, whose digest is checked.
    ///
    /// # Panics
    /// When it is not there or is another.
    pub fn blob(&self, digest: &str) -> &[u8] {
        let name = format!("blobs/{}", digest.replace(':', "/"));
        let blob = self.0.get(&name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(sha256(blob), digest);
        blob
    }

    /// The digest of the one index that the archive holds.
    ///
    /// # Panics
    /// When it holds none or many.
    pub fn digest(&self) -> String {
        let index = self.json("index.json");
        let manifests = index["manifests"].as_array().unwrap();
        assert_eq!(manifests.len(), 1, "{index}");
        manifests[0]["digest"].as_str().unwrap().to_owned()
    }

    /// The image of one architecture.
    ///
    /// # Panics
    /// When there is none.
    pub fn image(&self, architecture: &str) -> Image {
        let index: Value = serde_json::from_slice(self.blob(&self.digest())).unwrap();
        let manifests = index["manifests"].as_array().unwrap();
        let descriptor = manifests
            .iter()
            .find(|descriptor| descriptor["platform"]["architecture"] == architecture)
            .unwrap_or_else(|| panic!("no {architecture} in {index}"));
        let manifest = self.blob(descriptor["digest"].as_str().unwrap());
        assert_eq!(descriptor["size"], manifest.len());
        let manifest: Value = serde_json::from_slice(manifest).unwrap();
        let config = self.blob(manifest["config"]["digest"].as_str().unwrap());
        let config: Value = serde_json::from_slice(config).unwrap();
        let layers = manifest["layers"].as_array().unwrap().iter();
        let layers = layers.zip(config["rootfs"]["diff_ids"].as_array().unwrap());
        let layers = layers
            .map(|(layer, diff_id)| self.layer(layer, diff_id))
            .collect();
        Image {
            manifest,
            config,
            layers,
        }
    }

    fn layer(&self, descriptor: &Value, diff_id: &Value) -> BTreeMap<String, Entry> {
        let blob = self.blob(descriptor["digest"].as_str().unwrap());
        assert_eq!(descriptor["size"], blob.len());
        let tar = match descriptor["mediaType"].as_str().unwrap() {
            "application/vnd.oci.image.layer.v1.tar" => blob.to_vec(),
            "application/vnd.oci.image.layer.v1.tar+gzip" => {
                let mut tar = Vec::new();
                GzDecoder::new(blob).read_to_end(&mut tar).unwrap();
                tar
            }
            other => panic!("a layer of type {other}"),
        };
        assert_eq!(sha256(&tar), diff_id.as_str().unwrap());
        entries(tar.as_slice())
    }
}

impl Image {
    /// A regular file of the image, following links within it.
    ///
    /// # Panics
    /// When there is none.
    pub fn file(&self, path: &str) -> &[u8] {
        let entry = self.layers.iter().rev().find_map(|layer| layer.get(path));
        let entry = entry.unwrap_or_else(|| panic!("no {path}"));
        match &entry.link {
            None => &entry.content,
            Some(link) if link.is_absolute() => {
                self.file(link.to_str().unwrap().trim_start_matches('/'))
            }
            Some(link) => {
                let folder = Path::new(path).parent().unwrap();
                self.file(folder.join(link).to_str().unwrap())
            }
        }
    }

    /// Paths of all entries.
    pub fn paths(&self) -> Vec<&str> {
        self.layers
            .iter()
            .flat_map(|layer| layer.keys().map(String::as_str))
            .collect()
    }
}

fn entries(tar: impl Read) -> BTreeMap<String, Entry> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry
            .path()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_start_matches("./")
            .to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        let (mode, mtime) = (header.mode().unwrap(), header.mtime().unwrap());
        let owner = (header.uid().unwrap(), header.gid().unwrap());
        let link = entry.link_name().unwrap().map(|link| link.into_owned());
        (
            name.trim_end_matches('/').to_owned(),
            Entry {
                content,
                mode,
                owner,
                mtime,
                link,
            },
        )
    });
    entries.collect()
}

/// `sha256:…` of these bytes.
pub fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// What an ELF file's dynamic symbols need and give: versions such as `GLIBC_2.34`.
#[derive(Debug)]
pub struct Versions {
    /// `e_machine`: 183 is AArch64, 62 is x86-64.
    pub machine: u16,
    /// Needed from other libraries.
    pub needed: Vec<String>,
    /// Defined here.
    pub defined: Vec<String>,
}

/// Reads the symbol versions of a 64-bit ELF file.
///
/// # Panics
/// When it is none.
pub fn versions(file: &[u8]) -> Versions {
    let elf = ElfFile64::<Endianness>::parse(file).expect("a 64-bit ELF file");
    let endian = elf.endian();
    let sections = elf.elf_section_table();
    let (mut needed, mut defined) = (Vec::new(), Vec::new());
    for section in sections.iter() {
        if let Some((mut libraries, link)) = section.gnu_verneed(endian, file).unwrap() {
            let strings = sections.strings(endian, file, link).unwrap();
            while let Some((_, mut versions)) = libraries.next().unwrap() {
                while let Some(version) = versions.next().unwrap() {
                    needed.push(text(version.name(endian, strings).unwrap()));
                }
            }
        }
        if let Some((mut versions, link)) = section.gnu_verdef(endian, file).unwrap() {
            let strings = sections.strings(endian, file, link).unwrap();
            while let Some((_, mut names)) = versions.next().unwrap() {
                if let Some(name) = names.next().unwrap() {
                    defined.push(text(name.name(endian, strings).unwrap()));
                }
            }
        }
    }
    Versions {
        machine: elf.elf_header().e_machine(endian),
        needed,
        defined,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `e_machine` of AArch64.
pub const AARCH64: u16 = elf::EM_AARCH64;
/// `e_machine` of x86-64.
pub const X86_64: u16 = elf::EM_X86_64;
