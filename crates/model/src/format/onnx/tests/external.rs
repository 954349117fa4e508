use boxwright_onnx_writer::{Attribute, Graph, Node, Tensor};

use super::graph;
use crate::inspect;
use crate::testing::{model, write};

#[test]
fn external_data_is_found_and_measured() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("sub")).unwrap();
    std::fs::write(root.join("w.bin"), [0; 100]).unwrap();
    std::fs::write(root.join("sub/v.bin"), [0; 8]).unwrap();
    let in_constant = Attribute::tensor(
        "value",
        Tensor::float("k", &[1]).external(&[("location", "w.bin"), ("offset", "96")]),
    );
    let proto = model(graph(
        Graph::new()
            .node(Node::new("Constant", &[], &["k"]).attribute(in_constant))
            .initializer(
                Tensor::float("a", &[10]).external(&[("location", "w.bin"), ("length", "40")]),
            )
            .initializer(Tensor::float("b", &[2]).external(&[("location", "./sub//v.bin")])),
    ));
    let found = inspect(&write(&root, "m.onnx", &proto)).unwrap();
    assert_eq!(found.summary.external_data, ["sub/v.bin", "w.bin"]);
    assert_eq!(
        found.external_files,
        [root.join("sub/v.bin"), root.join("w.bin")]
    );
    assert_eq!(found.summary.size_bytes, proto.0.0.len() as u64 + 108);
    assert_eq!(found.summary.parameters, 12);
}

#[cfg(unix)]
#[test]
fn external_data_elsewhere_is_refused_by_name() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::NamedTempFile::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    symlink(outside.path(), root.join("link")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(root.join("fifo"))
        .status()
        .unwrap();
    assert!(made.success());
    std::fs::write(root.join("short"), [0; 3]).unwrap();
    let refused = [
        (
            "/etc/passwd",
            "`/etc/passwd` is an absolute path: only files inside the folder are taken",
        ),
        (
            "../x",
            "`../x` leads out by `..`: only files inside the folder are taken",
        ),
        ("a\\b", "`a\\b` has a backslash: separate folders by `/`"),
        (
            "fifo",
            "`fifo` is a device, pipe or socket, not a regular file",
        ),
        ("gone", "`gone` is missing from DIR"),
        (
            "link",
            "`link` is a link to OUT, outside DIR: copy the file itself there",
        ),
        ("", "`` names no file"),
    ];
    let read = |location: &str| {
        let proto = model(graph(Graph::new().initializer(
            Tensor::float("w", &[1]).external(&[("location", location)]),
        )));
        let message = inspect(&write(&root, "m.onnx", &proto))
            .unwrap_err()
            .to_string();
        message.replace(&*root.to_string_lossy(), "DIR").replace(
            &*outside.path().canonicalize().unwrap().to_string_lossy(),
            "OUT",
        )
    };
    for (location, reason) in refused {
        let expected = format!("DIR/m.onnx can't be read as a model: its external data {reason}");
        assert_eq!(read(location), expected);
    }
    assert_eq!(
        read("short"),
        "DIR/m.onnx can't be read as a model: its tensor `w` lies at bytes 0 to 4 of the external \
         data `short`, which has 3 bytes: the file is cut off or belongs to another model"
    );
}
