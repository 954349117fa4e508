//! The client against Debian's registry.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod support;

use std::process::Command;
use std::sync::Arc;

use boxwright_files::Silent;
use boxwright_oci::registry::{Checked, Client, ClientOptions, Credentials};
use boxwright_oci::{Digest, Error, ImageSet, Platform, Reference};
use support::debian::{Kind, Registry};
use support::{Event, Recorder, anonymous, both_platforms, client_of, options, push};
use tokio_util::sync::CancellationToken;

/// Large enough for several chunks.
const LARGE: usize = 40 << 20;

fn skopeo(arguments: &[&str]) -> Option<Vec<u8>> {
    let Ok(output) = Command::new("skopeo").args(arguments).output() else {
        println!("SKIPPED: skopeo is not installed");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_set_is_there_and_pushing_it_again_sends_nothing() {
    let Some(registry) = Registry::start(Kind::Open).await else {
        return;
    };
    let set = both_platforms(1, LARGE);
    let to: Reference = format!("{}/team/net:1", registry.address).parse().unwrap();
    let (client, recorder) = (anonymous(), Recorder::default());
    assert_eq!(client.resolve(&to).await.unwrap(), None);
    let pushed = client
        .push(&set, &to, &recorder, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(pushed.digest, *set.digest());
    assert!(pushed.uploaded_bytes > LARGE as u64 && pushed.uploaded_bytes < LARGE as u64 + 100_000);
    assert_eq!(client.resolve(&to).await.unwrap(), Some(*set.digest()));
    let model = set.images[0].layers[2].blob.descriptor.clone();
    let last = recorder
        .events
        .lock()
        .unwrap()
        .iter()
        .rev()
        .find_map(|event| match event {
            Event::Bytes { item, done, .. } if *item == model.digest.to_string() => Some(*done),
            _ => None,
        });
    assert_eq!(
        last,
        Some(model.size),
        "the last event says that all has been sent"
    );

    let again = client
        .push(&set, &to, &recorder, &CancellationToken::new())
        .await
        .unwrap();
    assert!(
        again.uploaded_bytes < 10_000 && again.reused_bytes > LARGE as u64,
        "{again:?}"
    );
    let reused = Event::Reused {
        item: model.digest.to_string(),
        total: model.size,
    };
    assert!(recorder.events.lock().unwrap().contains(&reused));
    let name = format!("docker://{to}");
    if let Some(raw) = skopeo(&["inspect", "--raw", "--tls-verify=false", &name]) {
        assert_eq!(Digest::of(&raw), *set.digest());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_is_pulled_and_unpacked_per_platform() {
    let Some(registry) = Registry::start(Kind::Open).await else {
        return;
    };
    let set = both_platforms(2, 300_000);
    let to: Reference = format!("{}/team/net:1", registry.address).parse().unwrap();
    let client = anonymous();
    push(&client, &set, &to.to_string()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let by_digest = to.with_digest(*set.digest());
    let cancel = CancellationToken::new();
    let layout = folder.path().join("layout");
    let pulled = client
        .pull(&by_digest, &layout, None, &Silent, &cancel)
        .await
        .unwrap();
    assert_eq!(pulled.digest, *set.digest());
    assert_eq!(pulled.images.len(), 2);
    for (image, original) in pulled.images.iter().zip(&set.images) {
        assert_eq!(image.manifest_digest, *original.manifest.digest());
        assert_eq!(image.size, original.size());
        let root = folder.path().join(image.manifest_digest.hex());
        boxwright_oci::unpack::unpack(&image.layers, &image.config.rootfs.diff_ids, &root, 1 << 20)
            .unwrap();
        let model = std::fs::read(root.join("model/model.onnx")).unwrap();
        assert_eq!(model, support::noise(2, 300_000));
        let own = std::fs::read_to_string(root.join("arch")).unwrap();
        assert_eq!(own, image.platform.architecture);
    }
    // The folder is an OCI layout that others read.
    let inspected = skopeo(&["inspect", "--raw", &format!("oci:{}", layout.display())]);
    assert!(inspected.is_none_or(|raw| Digest::of(&raw) == *set.digest()));

    let one = [Platform::linux("arm64")];
    let pulled = client
        .pull(&to, &layout, Some(&one), &Silent, &cancel)
        .await
        .unwrap();
    assert_eq!(pulled.images.len(), 1);
    let none = [Platform::linux("riscv64")];
    let error = client
        .pull(&to, &layout, Some(&none), &Silent, &cancel)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no image for linux/riscv64"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_in_dockers_own_format_is_pulled() {
    let Some(registry) = Registry::start(Kind::Open).await else {
        return;
    };
    let set = both_platforms(3, 10_000);
    let from = format!("{}/team/net:1", registry.address);
    push(&anonymous(), &set, &from).await.unwrap();
    let to = format!("{}/team/docker:1", registry.address);
    let copied = skopeo(&[
        "copy",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--override-arch=amd64",
        "--format=v2s2",
        &format!("docker://{from}"),
        &format!("docker://{to}"),
    ]);
    if copied.is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let reference: Reference = to.parse().unwrap();
    let pulled = anonymous()
        .pull(&reference, folder.path(), None, &Silent, &cancel)
        .await
        .unwrap();
    let image = &pulled.images[0];
    assert_eq!(image.platform, Platform::linux("amd64"));
    let root = folder.path().join("root");
    boxwright_oci::unpack::unpack(&image.layers, &image.config.rootfs.diff_ids, &root, 1 << 20)
        .unwrap();
    assert_eq!(
        std::fs::read(root.join("model/model.onnx")).unwrap(),
        support::noise(3, 10_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_checked_and_used() {
    signs_in(Kind::Password).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_and_used() {
    signs_in(Kind::Token).await;
}

async fn signs_in(kind: Kind) {
    let Some(registry) = Registry::start(kind).await else {
        return;
    };
    let right = client_of("secret");
    assert_eq!(
        right.check(&registry.address).await.unwrap(),
        Checked::Accepted
    );
    for wrong in [client_of("canary"), anonymous()] {
        let error = wrong.check(&registry.address).await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
        let to = format!("{}/team/net:1", registry.address);
        let error = push(&wrong, &both_platforms(4, 100), &to)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    }
    let set = both_platforms(4, LARGE);
    let to = format!("{}/team/net:1", registry.address);
    push(&right, &set, &to).await.unwrap();
    assert_eq!(
        right.resolve(&to.parse().unwrap()).await.unwrap(),
        Some(*set.digest())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_mounted_from_a_repository_that_has_it() {
    for kind in [Kind::Open, Kind::Token] {
        let Some(registry) = Registry::start(kind).await else {
            return;
        };
        let set = both_platforms(5, 1 << 20);
        let from = format!("{}/team/first:1", registry.address);
        push(&client_of("secret"), &set, &from).await.unwrap();
        let client = Client::new(ClientOptions {
            mount_from: vec![from.parse().unwrap()],
            credentials: Arc::new(Credentials::new("me", "secret".to_owned())),
            ..options()
        });
        let to = format!("{}/team/second:1", registry.address);
        let pushed = push(&client.unwrap(), &set, &to).await.unwrap();
        assert!(
            pushed.uploaded_bytes < 10_000 && pushed.reused_bytes > 1 << 20,
            "{pushed:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_push_ends_its_uploads() {
    for kind in [Kind::Open, Kind::Token] {
        let Some(registry) = Registry::start(kind).await else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, support::noise(7, 1000)).unwrap();
        let source = boxwright_oci::FileSource::Path {
            path: path.clone(),
            len: 1000,
        };
        let layer = support::file_layer("model", source);
        let set = ImageSet::new(
            vec![support::image("amd64", vec![layer])],
            Default::default(),
        );
        std::fs::write(&path, support::noise(8, 1000)).unwrap();
        // The layer's upload is opened and comes to nothing. That of the configuration may be cut
        // off in the middle, which this registry does not let anyone end; hardly every time.
        let mut left = Vec::new();
        for name in ["a", "b", "c", "d", "e", "f"] {
            let to = format!("{}/team/{name}:1", registry.address);
            let error = push(&client_of("secret"), &set, &to).await.unwrap_err();
            assert!(matches!(error, Error::FileChanged { .. }), "{error}");
            let uploads = format!("storage/docker/registry/v2/repositories/team/{name}/_uploads");
            let open = std::fs::read_dir(registry.path(&uploads)).unwrap();
            // A folder without the time of its start is the trace of a request that ended late.
            left.push(open.filter(|one| started(one.as_ref().unwrap())).count());
        }
        assert!(left.contains(&0), "uploads that were left open: {left:?}");
    }
}

fn started(upload: &std::fs::DirEntry) -> bool {
    upload.path().join("startedat").exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_trusted_by_its_certificate_and_never_given_up() {
    let Some(registry) = Registry::start(Kind::Tls).await else {
        return;
    };
    let error = anonymous().check(&registry.address).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(
        error.to_string().to_lowercase().contains("certificate"),
        "{error}"
    );
    let client = Client::new(ClientOptions {
        ca_file: Some(registry.path("cert.pem")),
        ..options()
    })
    .unwrap();
    client.check(&registry.address).await.unwrap();
    let set = both_platforms(6, LARGE);
    let to = format!("{}/team/net:1", registry.address);
    push(&client, &set, &to).await.unwrap();
    assert_eq!(
        client.resolve(&to.parse().unwrap()).await.unwrap(),
        Some(*set.digest())
    );
}

#[test]
fn a_file_without_certificates_is_refused_by_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = ClientOptions {
        ca_file: Some(file.path().to_owned()),
        ..options()
    };
    let error = Client::new(options).err().unwrap();
    assert!(
        error.to_string().contains(file.path().to_str().unwrap()),
        "{error}"
    );
}
