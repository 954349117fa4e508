//! What a registry that misbehaves is trusted with: passwords, and the content that it sends.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod support;

use std::sync::Arc;

use axum::http::Method;
use boxwright_files::Silent;
use boxwright_oci::registry::{Checked, Client, ClientOptions, Credentials};
use boxwright_oci::{Digest, Error, Reference, media_type};
use support::fake::{Fake, Mischief, Rule, answer, model, pull};
use support::{anonymous, client_of, one_layer, options, push};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn credentials_stay_behind_on_redirects_and_foreign_upload_addresses() {
    let elsewhere = Fake::start(Vec::new()).await;
    let set = one_layer(6, 1000);
    push(&anonymous(), &set, &elsewhere.reference())
        .await
        .unwrap();
    elsewhere.world.lock().unwrap().seen.clear();
    let fake = Fake::start(Vec::new()).await;
    {
        let mut world = fake.world.lock().unwrap();
        world.wanted = Some(("Basic bWU6Y2FuYXJ5".into(), "Basic realm=\"x\"".into()));
        world.manifests = elsewhere.world.lock().unwrap().manifests.clone();
    }
    let away = |path: String| {
        Mischief::Answer(
            307,
            vec![("location", format!("http://{}{path}", elsewhere.address))],
            String::new(),
        )
    };
    for descriptor in [set.images[0].config.digest(), &model(&set)] {
        let path = format!("/v2/team/net/blobs/{descriptor}");
        // Each path is asked for once.
        fake.add(Rule(
            Method::GET,
            Box::leak(path.clone().into_boxed_str()),
            1,
            away(path),
        ));
    }
    pull(&client_of("canary"), &fake).await.unwrap();
    assert_eq!(elsewhere.seen(Method::GET, "/blobs/").len(), 2);

    let location = format!("http://{}/v2/team/net/blobs/uploads/", elsewhere.address);
    fake.add(Rule(Method::POST, "/blobs/uploads/", 2, {
        Mischief::Otherwise(None, vec![("location", format!("{location}none"))])
    }));
    let _ = push(&client_of("canary"), &one_layer(7, 10), &fake.reference()).await;
    assert!(!elsewhere.seen(Method::PUT, "/blobs/uploads/").is_empty());
    let world = elsewhere.world.lock().unwrap();
    assert!(
        world
            .seen
            .iter()
            .all(|seen| seen.header("authorization").is_none())
    );
    assert!(!fake.seen(Method::GET, "/manifests/")[0].headers["authorization"].is_empty());
}

#[tokio::test]
async fn an_expired_token_is_renewed() {
    let fake = Fake::start(Vec::new()).await;
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"s\"",
        fake.address
    );
    fake.world.lock().unwrap().wanted = Some(("Bearer second".into(), challenge));
    for token in ["first", "second"] {
        let text = format!(r#"{{"token":"{token}","expires_in":300}}"#);
        fake.add(Rule(Method::GET, "/token", 1, answer(200, &text)));
    }
    push(&client_of("secret"), &one_layer(9, 10), &fake.reference())
        .await
        .unwrap();
    let asked = fake.seen(Method::GET, "/token");
    assert_eq!(asked.len(), 2, "a token is used as long as it is good");
    assert_eq!(asked[0].header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert!(
        asked[0]
            .path
            .contains("scope=repository%3Ateam%2Fnet%3Apull%2Cpush"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_strange_token_server_gets_no_password_without_the_users_word() {
    let strange = Fake::start(Vec::new()).await;
    strange.add(Rule(
        Method::GET,
        "/token",
        9,
        answer(200, r#"{"token":"good"}"#),
    ));
    // Another host as far as names go; the port alone would not make it one.
    let host = strange.address.replace("127.0.0.1", "localhost");
    let fake = Fake::start(Vec::new()).await;
    let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"s\"");
    fake.world.lock().unwrap().wanted = Some(("Bearer good".into(), challenge));

    let error = client_of("canary").check(&fake.address).await.unwrap_err();
    assert!(
        matches!(&error, Error::RealmUntrusted { realm, .. } if *realm == host),
        "{error}"
    );
    assert!(strange.world.lock().unwrap().seen.is_empty());
    let client = Client::new(ClientOptions {
        trusted_realms: vec![host],
        credentials: Arc::new(Credentials::new("me", "canary".to_owned())),
        ..options()
    });
    client.unwrap().check(&fake.address).await.unwrap();
    assert!(
        strange.seen(Method::GET, "/token")[0]
            .header("authorization")
            .is_some()
    );
    // Without a password there is nothing to protect.
    let checked = anonymous().check(&fake.address).await;
    assert_eq!(checked.unwrap(), Checked::Accepted);
    let open = Fake::start(Vec::new()).await;
    let checked = client_of("canary").check(&open.address).await;
    assert_eq!(checked.unwrap(), Checked::NotAsked, "it asked for none");
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_not_sent_as_a_password() {
    let fake = Fake::start(vec![Rule(
        Method::POST,
        "/token",
        1,
        answer(200, r#"{"access_token":"a"}"#),
    )])
    .await;
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"s\"",
        fake.address
    );
    fake.world.lock().unwrap().wanted = Some(("Bearer a".into(), challenge));
    let credentials = Arc::new(Credentials::new("<token>", "identity".to_owned()));
    let client = Client::new(ClientOptions {
        credentials,
        ..options()
    })
    .unwrap();
    client.check(&fake.address).await.unwrap();
    assert!(
        fake.seen(Method::POST, "/token")[0]
            .header("authorization")
            .is_none()
    );
}

#[tokio::test]
async fn a_blob_that_is_cut_off_is_continued() {
    let set = one_layer(10, 300_000);
    let fake = Fake::start(Vec::new()).await;
    push(&anonymous(), &set, &fake.reference()).await.unwrap();
    let part: &'static str = Box::leak(format!("/blobs/{}", model(&set)).into_boxed_str());
    fake.add(Rule(Method::GET, part, 1, Mischief::CutAt(100_000)));
    pull(&anonymous(), &fake).await.unwrap();
    let asked = fake.seen(Method::GET, part);
    assert_eq!(asked[1].header("range"), Some("bytes=100000-"));
}

#[tokio::test]
async fn a_blob_that_is_not_what_it_should_be_is_refused() {
    let set = one_layer(11, 1000);
    let size = set.images[0].layers[0].blob.descriptor.size as usize;
    for (content, reason) in [
        (vec![0; size + 1], "longer than its manifest says"),
        (vec![0; size], "another digest"),
        (vec![0; size - 1], "bytes were sent"),
    ] {
        let fake = Fake::start(Vec::new()).await;
        push(&anonymous(), &set, &fake.reference()).await.unwrap();
        fake.world
            .lock()
            .unwrap()
            .blobs
            .insert(model(&set).to_string(), content.into());
        let error = pull(&anonymous(), &fake).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_without_end_or_of_another_digest_is_refused() {
    let fake = Fake::start(Vec::new()).await;
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(5 << 20));
    fake.world
        .lock()
        .unwrap()
        .manifests
        .insert("1".into(), huge.into());
    let error = pull(&anonymous(), &fake).await.unwrap_err();
    assert!(
        error.to_string().contains("more than 4194304 bytes"),
        "{error}"
    );

    let wanted: Reference = format!("{}/team/net@{}", fake.address, Digest::of(b"x"))
        .parse()
        .unwrap();
    let other = one_layer(12, 10);
    push(&anonymous(), &other, &fake.reference()).await.unwrap();
    {
        let mut world = fake.world.lock().unwrap();
        let bytes = world.manifests["1"].clone();
        world.manifests.insert(Digest::of(b"x").to_string(), bytes);
    }
    let folder = tempfile::tempdir().unwrap();
    let client = anonymous();
    let cancel = CancellationToken::new();
    let error = client
        .pull(&wanted, folder.path(), None, &Silent, &cancel)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ContentInvalid { .. }), "{error}");
}

#[tokio::test]
async fn sizes_that_no_disk_holds_are_refused_before_anything_is_fetched() {
    let petabyte = 1 << 50;
    // With the configuration, the last is more than can be counted.
    for (size, reason) in [(petabyte, "have to be written"), (u64::MAX, "too large")] {
        let fake = Fake::start(Vec::new()).await;
        let descriptor = |kind: &str, size: u64| {
            let digest = Digest::of(kind.as_bytes());
            serde_json::json!({"mediaType": kind, "digest": digest, "size": size})
        };
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::MANIFEST,
            "config": descriptor(media_type::CONFIG, 2),
            "layers": [descriptor(media_type::LAYER_GZIP, size)],
        });
        let manifest = manifest.to_string();
        fake.world
            .lock()
            .unwrap()
            .manifests
            .insert("1".into(), manifest.into());
        let error = pull(&anonymous(), &fake).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{size}: {error}");
        assert!(fake.seen(Method::GET, "/blobs/").is_empty());
    }
}

#[tokio::test]
async fn an_index_of_more_images_than_there_are_platforms_is_refused() {
    let fake = Fake::start(Vec::new()).await;
    let one = |number: u32| {
        serde_json::json!({"mediaType": media_type::MANIFEST, "size": 2,
            "digest": Digest::of(&number.to_le_bytes())})
    };
    let manifests: Vec<_> = (0..101).map(one).collect();
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": media_type::INDEX,
        "manifests": manifests});
    let index = index.to_string();
    fake.world
        .lock()
        .unwrap()
        .manifests
        .insert("1".into(), index.into());
    let error = pull(&anonymous(), &fake).await.unwrap_err();
    assert!(
        error.to_string().contains("more than 100 images"),
        "{error}"
    );
    assert_eq!(fake.seen(Method::GET, "/manifests/").len(), 1);
}

#[tokio::test]
async fn a_registry_without_tls_is_not_spoken_to_unless_it_is_named() {
    let fake = Fake::start(Vec::new()).await;
    // Every machine has this name for itself, and it is not one of the names that mean it.
    let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") else {
        println!("SKIPPED: no name of this machine is known");
        return;
    };
    let port = fake.address.rsplit(':').next().unwrap();
    let registry = format!("{}:{port}", name.trim());
    let listens = std::net::ToSocketAddrs::to_socket_addrs(&registry)
        .is_ok_and(|mut all| all.any(|address| address.ip().is_loopback()));
    if !listens {
        println!("SKIPPED: {registry} is not on the loopback");
        return;
    }
    let error = anonymous().check(&registry).await.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    assert!(error.hint().contains("name it"), "{}", error.hint());
    assert!(
        fake.world.lock().unwrap().seen.is_empty(),
        "nothing was sent in the clear"
    );
    let plain_http = vec![registry.clone()];
    let client = Client::new(ClientOptions {
        plain_http,
        ..options()
    })
    .unwrap();
    client.check(&registry).await.unwrap();
}
