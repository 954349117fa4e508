//! The client against a registry that misbehaves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod support;

use std::time::{Duration, Instant};

use axum::http::Method;
use boxwright_files::Silent;
use boxwright_oci::registry::{Client, ClientOptions};
use boxwright_oci::{Error, ImageSet, Reference};
use support::fake::{Fake, Mischief, Rule, answer, model, pull};
use support::{anonymous, one_layer, push};
use tokio_util::sync::CancellationToken;

const CHUNK: usize = 16 << 20;

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
async fn a_registry_that_keeps_refusing_a_layer_is_given_up() {
    let refused = |method, status| vec![Rule(method, "/blobs/uploads/", 9999, answer(status, ""))];
    // A first chunk that is taken, and a second one that is not, again and again.
    let halfway = |_| {
        let taken = Mischief::Otherwise(None, Vec::new());
        let taken = Rule(Method::PATCH, "/blobs/uploads/", 1, taken);
        [
            taken,
            Rule(Method::PATCH, "/blobs/uploads/", 1, answer(404, "")),
        ]
    };
    let halfway = (0..100).flat_map(halfway).collect();
    for (rules, len, most) in [
        (refused(Method::PUT, 500), 1000, 6),
        (refused(Method::PUT, 404), 1000, 6),
        (refused(Method::PATCH, 404), CHUNK + 10, 6),
        (refused(Method::PATCH, 500), CHUNK + 10, 6),
        (halfway, CHUNK + 10, 12),
    ] {
        let fake = Fake::start(rules).await;
        let (set, to) = (one_layer(19, len), fake.reference());
        let (client, patience) = (anonymous(), Duration::from_secs(60));
        let pushed = tokio::time::timeout(patience, push(&client, &set, &to)).await;
        let error = pushed.expect("an end").unwrap_err();
        assert!(matches!(error, Error::Failed { .. }), "{error}");
        let (chunks, whole) = (
            fake.seen(Method::PATCH, "/blobs/uploads/").len(),
            fake.seen(Method::PUT, "/blobs/uploads/").len(),
        );
        // The layer and the configuration are sent side by side.
        assert!(chunks <= most && whole <= 2 * most, "{chunks} {whole}");
        assert_eq!(fake.open_uploads(), 0);
        assert!(fake.seen(Method::PUT, "/manifests/").is_empty());
    }
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
        Mischief::Otherwise(Some(201), Vec::new()),
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
async fn a_pause_until_a_date_is_kept_by_the_registrys_clock_and_never_for_long() {
    // By this machine's clock the first date passed long ago.
    for (until, least, most) in [("Wed, 21 Oct 2015 07:28:01 GMT", 1, 5), ("9999", 1, 5)] {
        let date = "Wed, 21 Oct 2015 07:28:00 GMT".to_owned();
        let headers = vec![("retry-after", until.to_owned()), ("date", date)];
        let later = Mischief::Answer(503, headers, String::new());
        let fake = Fake::start(vec![Rule(Method::HEAD, "/manifests/", 1, later)]).await;
        let mut options = support::options();
        options.retry.longest_pause = Duration::from_secs(1);
        let started = Instant::now();
        let client = Client::new(options).unwrap();
        let found = client.resolve(&fake.reference().parse().unwrap()).await;
        assert_eq!(found.unwrap(), None);
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(least), "{until}: {waited:?}");
        assert!(waited < Duration::from_secs(most), "{until}: {waited:?}");
    }
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_an_error() {
    for location in [
        "ftp://example.com/x",
        "http://example.com/x",
        "http://[",
        "file:///etc/passwd",
    ] {
        let bogus = Mischief::Otherwise(None, vec![("location", location.to_owned())]);
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
    assert!(!fake.seen(Method::POST, "/blobs/uploads/").is_empty());
    assert_eq!(fake.open_uploads(), 0, "the registry was told");
}

#[tokio::test]
async fn a_registry_that_does_not_end_an_upload_is_not_waited_for() {
    let fake = Fake::start(vec![
        Rule(Method::PUT, "/blobs/uploads/", 9, answer(403, "")),
        Rule(Method::DELETE, "/blobs/uploads/", 9, Mischief::Hang),
    ])
    .await;
    let started = Instant::now();
    let error = push(&anonymous(), &one_layer(17, 10), &fake.reference())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert!(!fake.seen(Method::DELETE, "/blobs/uploads/").is_empty());
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn uploads_that_came_to_nothing_are_ended_at_the_registry() {
    // The second chunk is refused for good, the other blobs are dropped on their way.
    let refused = vec![
        Rule(Method::PUT, "/blobs/uploads/", 1, answer(403, "")),
        Rule(Method::PATCH, "/blobs/uploads/", 9, Mischief::Hang),
    ];
    // No chunks are taken: the upload that was opened for them is of no use.
    let whole = vec![Rule(Method::PATCH, "/", 99, answer(405, ""))];
    // The registry stands elsewhere than was thought.
    let elsewhere = vec![Rule(Method::PATCH, "/", 1, answer(416, ""))];
    for (rules, arrives) in [(refused, false), (whole, true), (elsewhere, true)] {
        let fake = Fake::start(rules).await;
        let set = one_layer(18, CHUNK + 10);
        let pushed = push(&anonymous(), &set, &fake.reference()).await;
        assert_eq!(pushed.is_ok(), arrives, "{pushed:?}");
        assert!(!fake.seen(Method::DELETE, "/blobs/uploads/").is_empty());
        assert_eq!(fake.open_uploads(), 0);
    }
}

#[tokio::test]
async fn a_layer_whose_file_changed_never_arrives() {
    for len in [1000, CHUNK + 1000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, support::noise(14, len)).unwrap();
        let source = boxwright_oci::FileSource::Path {
            path: path.clone(),
            len: len as u64,
        };
        let layer = support::file_layer("m", source);
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
