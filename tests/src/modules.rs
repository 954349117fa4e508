//! The module files of a crate, which of them uses which, and where that goes in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// Where a module is in its crate: `["server", "grpc"]`; the crate's root is empty.
type ModulePath = Vec<String>;

/// Files of one crate that can only be understood together.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle {
    /// Each file, and those of the circle that it uses.
    pub files: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a circle of {} files:", self.files.len())?;
        for (file, used) in &self.files {
            let used: Vec<_> = used.iter().map(|path| path.display().to_string()).collect();
            writeln!(f, "  {} uses {}", file.display(), used.join(", "))?;
        }
        Ok(())
    }
}

/// The circles among the modules below a crate's root file, leaving out those of tests. A `mod`,
/// and a `pub use` of something below, are no use: a parent may say what it consists of.
///
/// # Panics
/// When a file can't be read or is no Rust.
pub fn circles(root: &Path) -> Vec<Circle> {
    let mut files = BTreeMap::new();
    collect(root, ModulePath::new(), &mut files);
    let mut uses = DiGraphMap::<&ModulePath, ()>::new();
    for (module, file) in &files {
        for used in file_uses(&files, module, &file.items) {
            if let Some((used, _)) = files
                .get_key_value(&used)
                .filter(|(used, _)| *used != module)
            {
                uses.add_edge(module, used, ());
            }
        }
    }
    let components = tarjan_scc(&uses);
    let circles = components.iter().filter(|component| component.len() > 1);
    circles
        .map(|component| Circle {
            files: component
                .iter()
                .map(|module| {
                    let used = uses.neighbors(module);
                    let inside = used.filter(|used| component.contains(used));
                    let paths = inside.map(|used| files[used].path.clone()).collect();
                    (files[*module].path.clone(), paths)
                })
                .collect(),
        })
        .collect()
}

struct ModuleFile {
    path: PathBuf,
    items: Vec<Item>,
}

/// Reads a module's file, and those of its modules.
fn collect(path: &Path, module: ModulePath, files: &mut BTreeMap<ModulePath, ModuleFile>) {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let items = syn::parse_file(&text)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .items;
    let parent = path.parent().unwrap();
    let stem = path.file_stem().unwrap().to_string_lossy();
    let is_folder = module.is_empty() || stem == "mod";
    let folder = if is_folder {
        parent.to_owned()
    } else {
        parent.join(&*stem)
    };
    for item in &items {
        let Item::Mod(declared) = item else { continue };
        if declared.content.is_some() || is_of_tests(&declared.attrs) {
            continue;
        }
        let name = declared.ident.to_string();
        let flat = folder.join(format!("{name}.rs"));
        let nested = folder.join(&name).join("mod.rs");
        let child = [module.as_slice(), &[name]].concat();
        collect(if flat.is_file() { &flat } else { &nested }, child, files);
    }
    let path = path.to_owned();
    files.insert(module, ModuleFile { path, items });
}

fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = || {
            attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|ident| ident == "test")
        };
        attribute.path().is_ident("test") || attribute.path().is_ident("cfg") && is_test()
    })
}

/// The modules that a file names.
fn file_uses(
    files: &BTreeMap<ModulePath, ModuleFile>,
    module: &ModulePath,
    items: &[Item],
) -> BTreeSet<ModulePath> {
    let mut uses = Uses {
        files,
        at: module.clone(),
        imported: BTreeMap::new(),
        found: BTreeSet::new(),
    };
    // What is imported first: a path may begin with the name of an imported module.
    for _ in 0..2 {
        items.iter().for_each(|item| uses.visit_item(item));
    }
    uses.found
}

struct Uses<'a> {
    files: &'a BTreeMap<ModulePath, ModuleFile>,
    /// The module that is read, which may be in another one's file.
    at: ModulePath,
    /// Modules by the names that a `use` gave them.
    imported: BTreeMap<String, ModulePath>,
    found: BTreeSet<ModulePath>,
}

impl Uses<'_> {
    /// The deepest module file that the path names, and how many of its words that takes.
    fn resolve(&self, path: &[String]) -> Option<(ModulePath, usize)> {
        let mut module = self.at.clone();
        let mut taken = 0;
        match path.first()?.as_str() {
            "crate" => (module, taken) = (ModulePath::new(), 1),
            "self" => taken = 1,
            "super" => {
                while path.get(taken).is_some_and(|word| word == "super") {
                    module.pop();
                    taken += 1;
                }
            }
            name => {
                let child = [module.as_slice(), &[name.to_owned()]].concat();
                let imported = self.imported.get(name).cloned();
                module = imported.or_else(|| self.files.contains_key(&child).then_some(child))?;
                taken = 1;
            }
        }
        while let Some(name) = path.get(taken) {
            module.push(name.clone());
            if !self.files.contains_key(&module) {
                module.pop();
                break;
            }
            taken += 1;
        }
        while !self.files.contains_key(&module) {
            module.pop();
        }
        Some((module, taken))
    }

    fn name(&mut self, path: &[String]) {
        // One word alone is a value's or a type's name.
        if path.len() > 1
            && let Some((module, _)) = self.resolve(path)
        {
            self.found.insert(module);
        }
    }

    /// One path of a `use`, under the name `alias`.
    fn import(&mut self, path: &[String], alias: &str, is_public: bool) {
        let Some((module, taken)) = self.resolve(path) else {
            return;
        };
        if taken == path.len() {
            self.imported.insert(alias.to_owned(), module.clone());
        }
        let is_below = module.len() > self.at.len() && module.starts_with(&self.at);
        if !(is_public && is_below) {
            self.found.insert(module);
        }
    }

    fn imports(&mut self, tree: &UseTree, path: &mut Vec<String>, is_public: bool) {
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.imports(&inner.tree, path, is_public);
                path.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.imports(tree, path, is_public);
                }
            }
            UseTree::Glob(_) => self.import(path, "", is_public),
            UseTree::Name(name) if name.ident == "self" => {
                let alias = path.last().cloned().unwrap_or_default();
                self.import(path, &alias, is_public);
            }
            UseTree::Name(name) => self.import_leaf(path, &name.ident, &name.ident, is_public),
            UseTree::Rename(name) => self.import_leaf(path, &name.ident, &name.rename, is_public),
        }
    }

    fn import_leaf(
        &mut self,
        path: &[String],
        name: &syn::Ident,
        alias: &syn::Ident,
        is_public: bool,
    ) {
        let path = [path, &[name.to_string()]].concat();
        self.import(&path, &alias.to_string(), is_public);
    }

    /// The paths in what a macro is given: words with `::` between them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) if colons == 2 || path.is_empty() => {
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.name(&std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        TokenTree::Ident(word) => path.push(word.to_string()),
                        _ => {}
                    }
                }
            }
        }
        self.name(&path);
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() && !is_of_tests(&item.attrs) {
            self.at.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.at.pop();
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_of_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_of_tests(&item.attrs) {
            let is_public = !matches!(item.vis, Visibility::Inherited);
            self.imports(&item.tree, &mut Vec::new(), is_public);
        }
    }

    /// `pub(in crate::a)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words = path.segments.iter();
        let words: Vec<String> = words.map(|word| word.ident.to_string()).collect();
        self.name(&words);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the files in each circle of a crate of these files.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let circles = circles(&folder.path().join("lib.rs"));
        let names = |circle: &Circle| {
            let names = circle.files.keys().map(|path| {
                let relative = path.strip_prefix(folder.path()).unwrap();
                relative.to_str().unwrap().to_owned()
            });
            names.collect::<Vec<_>>().join(" ")
        };
        circles.iter().map(names).collect()
    }

    #[test]
    fn a_circle_is_found_however_it_is_written() {
        let lib = ("lib.rs", "mod a; mod b; pub use a::A;");
        let a = |text| ("a.rs", text);
        let b = ("b/mod.rs", "pub mod c; pub struct B;");
        for uses_c in [
            "use crate::b::c::C;",
            "use crate::{b::{self, c::{C as D}}};",
            "use super::b::c;",
            "fn f() { crate::b::c::g() }",
            "fn f() { println!(\"{}\", 1 + crate::b::c::g()) }",
            "use crate::b; fn f() -> Vec<b::c::C> {}",
            "mod inline { use super::super::b::c::C; }",
            "pub use crate::b::c::C;",
        ] {
            let c = ("b/c.rs", "use crate::a::A;");
            assert_eq!(found(&[lib, a(uses_c), b, c]), ["a.rs b/c.rs"], "{uses_c}");
        }
        let b = ("b/mod.rs", "mod c; use c::C;");
        let c = ("b/c.rs", "use super::B;");
        assert_eq!(found(&[lib, a(""), b, c]), ["b/c.rs b/mod.rs"]);
    }

    #[test]
    fn what_a_parent_consists_of_and_what_tests_use_is_no_circle() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub struct Root;"),
            (
                "a.rs",
                "use crate::Root; #[cfg(test)] mod tests { use super::*; use crate::b::B; }",
            ),
            (
                "b.rs",
                "mod c; pub(crate) use self::c::C; #[cfg(test)] mod tests;",
            ),
            (
                "b/c.rs",
                "use super::super::{Root, a}; use super::B; mod d { use super::*; }",
            ),
        ];
        assert_eq!(found(&files), <[&str; 0]>::default());
    }
}
