//! Compiles the gRPC interfaces of `proto/`, without protoc.

use std::error::Error;
use std::path::{Path, PathBuf};

use protox::prost::Message;
use protox::prost_reflect::prost_types::FileDescriptorSet;
use protox::prost_reflect::prost_types::field_descriptor_proto::{Label, Type};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut interfaces = protox::compile(["inference.proto", "omi.proto"], ["proto"])?;
    for file in &mut interfaces.file {
        file.source_code_info = None;
    }
    // What reflection answers with.
    std::fs::write(out.join("interfaces.bin"), interfaces.encode_to_vec())?;
    // What the tests call the server with.
    let client = tonic_prost_build::configure().build_server(false);
    generate(client, &out.join("client"), interfaces.clone())?;
    leave_contents_encoded(&mut interfaces)?;
    let server = tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::server::grpc::codec::BoundedCodec");
    generate(server, &out.join("server"), interfaces)
}

fn generate(
    builder: tonic_prost_build::Builder,
    folder: &Path,
    interfaces: FileDescriptorSet,
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    builder
        .build_transport(false)
        .bytes(".")
        .out_dir(folder)
        .compile_fds(interfaces)?;
    Ok(())
}

/// Makes the server see a tensor's `contents` as the bytes that came: they are a model's numbers by
/// the million, and a list of them would be far larger than the request. Fields that come again are
/// merged, so a request may have several pieces.
fn leave_contents_encoded(interfaces: &mut FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    let mut changed = 0;
    let messages = interfaces
        .file
        .iter_mut()
        .flat_map(|file| &mut file.message_type);
    for tensor in messages.flat_map(|message| &mut message.nested_type) {
        let label = match tensor.name() {
            "InferInputTensor" => Label::Repeated,
            "InferOutputTensor" => Label::Optional,
            _ => continue,
        };
        for field in tensor
            .field
            .iter_mut()
            .filter(|field| field.name() == "contents")
        {
            field.set_type(Type::Bytes);
            field.set_label(label);
            field.type_name = None;
            changed += 1;
        }
    }
    match changed {
        2 => Ok(()),
        _ => Err("proto/inference.proto has other tensors than build.rs knows".into()),
    }
}
