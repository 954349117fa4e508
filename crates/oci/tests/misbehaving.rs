//! The client against a registry that misbehaves.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use boxwright_oci::registry::{Client, ClientOptions, Credentials, PulledSet};
use boxwright_oci::{Digest, Error, ImageSet, Reference, Silent};
use support::fake::{Fake, Mischief, Rule};
use support::{anonymous, client_of, one_layer, options, push};
use tokio_util::sync::CancellationToken;

const CHUNK: usize = 16 << 20;

fn answer(status: u16, text: &str) -> Mischief {
    Mischief::Answer(status, Vec::new(), text.to_owned())
}

fn model(set: &ImageSet) -> Digest {
    *set.images[0].layers[0].blob.digest()
}

async fn pull(client: &Client, fake: &Fake) -> boxwright_oci::Result<PulledSet> {
    let folder = tempfile::tempdir().unwrap();
    let reference: Reference = fake.reference().parse().unwrap();
    client
        .pull(
            &reference,
            folder.path(),
            None,
            &Silent,
            &CancellationToken::new(),
        )
        .await
}

#[tokio::test]
async fn errors_of_the_moment_are_waited_out_everywhere() {
    let fake = Fake::start(vec![
        Rule(Method::GET, "/v2/", 1, answer(503, "")),
        Rule(Method::HEAD, "/blobs/", 2, answer(500, "")),
        Rule(Method::POST, "/blobs/uploads/", 2, answer(502, "")),
        Rule(Method::PUT, "/blobs/uploads/", 1, answer(500, "")),
        Rule(Method::PUT, "/manifests/", 2, answer(504, "")),
    ])
    .await;
    let set = one_layer(1, 1000);
    push(&anonymous(), &set, &fake.reference()).await.unwrap();
    assert!(fake.has_blob(&model(&set)));
    assert_eq!(
        pull(&anonymous(), &fake).await.unwrap().digest,
        *set.digest()
    );
}

#[tokio::test]
async fn an_error_that_stays_is_given_up_in_the_registrys_words() {
    let text = r#"{"errors":[{"code":"BROKEN","message":"the \u001b[31mdisk\u0000 fell out"}]}"#;
    let fake = Fake::start(vec![Rule(
        Method::PUT,
        "/manifests/",
        99,
        answer(500, text),
    )])
    .await;
    let error = push(&anonymous(), &one_layer(1, 10), &fake.reference())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Failed {
                retryable: true,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("500 (BROKEN: the [31mdisk fell out)"),
        "{error}"
    );
    assert!(error.to_string().contains("team/net") && error.to_string().contains(&fake.address));
    assert_eq!(fake.seen(Method::PUT, "/manifests/").len(), 6);
}

#[tokio::test]
async fn what_is_denied_is_not_tried_again() {
    let text = r#"{"errors":[{"code":"DENIED","message":"read only"}]}"#;
    let fake = Fake::start(vec![Rule(
        Method::POST,
        "/blobs/uploads/",
        99,
        answer(403, text),
    )])
    .await;
    let error = push(&anonymous(), &one_layer(1, 10), &fake.reference())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert!(error.to_string().contains("read only"), "{error}");
    assert!(
        fake.seen(Method::POST, "/blobs/uploads/").len() <= 2,
        "one a blob"
    );
}

#[tokio::test]
async fn a_broken_chunk_is_resumed_from_the_registrys_range() {
    let kept = (5 << 20) + 123;
    let fake = Fake::start(vec![Rule(
        Method::PATCH,
        "/blobs/uploads/",
        1,
        Mischief::BreakAfter(kept),
    )])
    .await;
    let set = one_layer(2, CHUNK + (3 << 20));
    push(&anonymous(), &set, &fake.reference()).await.unwrap();
    assert!(fake.has_blob(&model(&set)), "every byte arrived once");
    let ranges: Vec<_> = fake
        .seen(Method::PATCH, "/blobs/uploads/")
        .iter()
        .map(|seen| {
            seen.header("content-range")
                .unwrap()
                .split('-')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(ranges[..2], ["0".to_owned(), kept.to_string()]);
    assert_eq!(
        fake.seen(Method::POST, "/blobs/uploads/").len(),
        2,
        "layer and configuration"
    );
}

#[tokio::test]
async fn an_upload_that_the_registry_forgot_starts_again() {
    let fake = Fake::start(vec![
        Rule(
            Method::PATCH,
            "/blobs/uploads/",
            1,
            Mischief::BreakAfter(1000),
        ),
        Rule(Method::GET, "/blobs/uploads/", 1, answer(404, "")),
    ])
    .await;
    let set = one_layer(3, CHUNK + 10);
    push(&anonymous(), &set, &fake.reference()).await.unwrap();
    assert!(fake.has_blob(&model(&set)));
}

#[tokio::test]
async fn a_registry_without_chunks_gets_one_put() {
    for status in [413, 405, 400] {
        let fake = Fake::start(vec![Rule(Method::PATCH, "/", 99, answer(status, ""))]).await;
        let set = one_layer(4, CHUNK + 10);
        push(&anonymous(), &set, &fake.reference()).await.unwrap();
        assert!(fake.has_blob(&model(&set)));
        assert_eq!(fake.seen(Method::PATCH, "/").len(), 1);
        let whole = fake.seen(Method::PUT, "/blobs/uploads/");
        assert!(whole.iter().any(|seen| seen.received > CHUNK), "{status}");
    }
}

#[tokio::test]
async fn a_registry_that_calls_a_chunk_created_is_understood() {
    let created = Rule(
        Method::PATCH,
        "/",
        1,
        Mischief::Headers(vec![("x-odd", "1".into())]),
    );
    let fake = Fake::start(vec![created]).await;
    let set = one_layer(5, 2 * CHUNK);
    push(&anonymous(), &set, &fake.reference()).await.unwrap();
    assert!(fake.has_blob(&model(&set)));
}

#[tokio::test]
async fn the_registrys_pause_is_kept() {
    let later = Mischief::Answer(429, vec![("retry-after", "1".into())], String::new());
    let fake = Fake::start(vec![Rule(Method::HEAD, "/manifests/", 1, later)]).await;
    let started = Instant::now();
    anonymous()
        .resolve(&fake.reference().parse().unwrap())
        .await
        .unwrap();
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

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
        Mischief::Headers(vec![("location", format!("{location}none"))])
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
async fn an_address_that_leads_nowhere_is_an_error() {
    for location in [
        "ftp://example.com/x",
        "http://example.com/x",
        "http://[",
        "file:///etc/passwd",
    ] {
        let bogus = Mischief::Headers(vec![("location", location.to_owned())]);
        let fake = Fake::start(vec![Rule(Method::POST, "/blobs/uploads/", 9, bogus)]).await;
        let error = push(&anonymous(), &one_layer(8, 10), &fake.reference())
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Failed {
                    retryable: false,
                    ..
                }
            ),
            "{location}: {error}"
        );
    }
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
    let origin = format!(
        "http://{}",
        strange.address.replace("127.0.0.1", "localhost")
    );
    let fake = Fake::start(Vec::new()).await;
    let challenge = format!("Bearer realm=\"{origin}/token\",service=\"s\"");
    fake.world.lock().unwrap().wanted = Some(("Bearer good".into(), challenge));

    let error = client_of("canary").check(&fake.address).await.unwrap_err();
    assert!(
        matches!(&error, Error::RealmUntrusted { realm, .. } if *realm == origin),
        "{error}"
    );
    assert!(strange.world.lock().unwrap().seen.is_empty());
    let client = Client::new(ClientOptions {
        trusted_realms: vec![origin],
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
    anonymous().check(&fake.address).await.unwrap();
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
    let mut world = fake.world.lock().unwrap();
    let bytes = world.manifests["1"].clone();
    world.manifests.insert(Digest::of(b"x").to_string(), bytes);
    drop(world);
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
async fn cancelling_stops_at_once() {
    let fake = Fake::start(vec![Rule(
        Method::PUT,
        "/blobs/uploads/",
        9,
        Mischief::Hang,
    )])
    .await;
    let (set, to) = (one_layer(13, 1000), fake.reference().parse().unwrap());
    let (client, cancel) = (anonymous(), CancellationToken::new());
    let pushing = client.push(&set, &to, &Silent, &cancel);
    let cancelling = async {
        // The layer and the configuration are on their way.
        while fake.seen(Method::PUT, "/blobs/uploads/").is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        Instant::now()
    };
    let (result, cancelled) = tokio::join!(pushing, cancelling);
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(cancelled.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_layer_whose_file_changed_never_arrives() {
    for len in [1000, CHUNK + 1000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, support::noise(14, len)).unwrap();
        let source = boxwright_oci::layer::FileSource::Path {
            path: path.clone(),
            len: len as u64,
        };
        let plan = boxwright_oci::layer::TarPlan::builder()
            .file("m", source, 0o644)
            .finish();
        let cancel = CancellationToken::new();
        let layer =
            boxwright_oci::Layer::tar(plan.unwrap(), "model", None, &Silent, &cancel).unwrap();
        let set = ImageSet::new(
            vec![support::image("amd64", vec![layer])],
            Default::default(),
        );
        std::fs::write(&path, support::noise(15, len)).unwrap();
        let fake = Fake::start(Vec::new()).await;
        let error = push(&anonymous(), &set, &fake.reference())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::FileChanged { path: named } if *named == path),
            "{error}"
        );
        assert!(!fake.has_blob(&model(&set)));
        assert!(fake.seen(Method::PUT, "/manifests/").is_empty());
    }
}

#[tokio::test]
async fn a_registry_that_is_gone_is_said_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let started = Instant::now();
    let client = Client::new(ClientOptions::default()).unwrap();
    let error = client.check(&address).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unreachable { registry, .. } if *registry == address),
        "{error}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(started.elapsed() < Duration::from_millis(400));
}

#[test]
fn the_clients_futures_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let client = anonymous();
    let (set, cancel) = (one_layer(16, 10), CancellationToken::new());
    let to: Reference = "localhost:1/a".parse().unwrap();
    is_send(&client.push(&set, &to, &Silent, &cancel));
    is_send(&client.pull(&to, std::path::Path::new("x"), None, &Silent, &cancel));
    is_send(&client.check("localhost:1"));
}
