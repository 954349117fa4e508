//! What strangers send, to the real program, by the thousand: requests of the corpus, changed at
//! random. Whatever comes, the server answers, in words, and stays well.
//!
//! `BOXWRIGHT_FUZZ_SECONDS` sets how long each protocol is tried, `BOXWRIGHT_FUZZ_SEED` which random
//! numbers are taken.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod campaign;
mod client;
mod dictionary;
mod json;
mod mutate;
mod oracle;
mod protobuf;
mod request;
#[allow(dead_code, reason = "the other tests need more of it")]
#[path = "../program/support.rs"]
mod support;
mod target;

use std::time::Duration;

use client::{Answer, Client};
use request::{Input, Request, Seed, corpus};
use support::Sample;
use target::Health;

/// The packages: a model of pictures, one of numbers with files for samples, one of strings.
const PACKAGES: [&str; 3] = ["pictures", "numbers", "strings"];
const HTTP: [&str; 2] = ["http", "raw"];
const GRPC: [&str; 1] = ["grpc"];

#[tokio::test]
async fn every_request_that_is_kept_is_answered_as_its_name_says() {
    let Some(sample) = Sample::find() else { return };
    let mut wrong = Vec::new();
    for package in PACKAGES {
        let server = target::start(&sample.library, package);
        let mut client = Client::new(server.port);
        for seed in corpus(package, &["http", "raw", "grpc"]) {
            for http_2 in [false, true] {
                let answer = client.ask(&seed.input, http_2).await;
                if let Err(what) = answer
                    .map_err(|fault| fault.to_string())
                    .and_then(|answer| held(&seed, answer))
                {
                    wrong.push(format!("{}: {what}", seed.file.display()));
                }
            }
        }
        target::end(server);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Holds an answer to the name of its request, and to what holds for all.
fn held(seed: &Seed, answer: Option<Answer>) -> Result<(), String> {
    let Some(answer) = answer else {
        let is_right = seed.expected == "none";
        return is_right
            .then_some(())
            .ok_or_else(|| "it can't be sent, or gets no answer".into());
    };
    oracle::judge(&seed.input, &answer).map_err(|fault| fault.to_string())?;
    match oracle::status(&answer) {
        status if status == seed.expected => Ok(()),
        other => Err(format!(
            "{other}: {}",
            String::from_utf8_lossy(&answer.body)
        )),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_by_http_is_answered() {
    fuzz(&HTTP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_by_grpc_is_answered() {
    fuzz(&GRPC).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_parts_without_number_keeps_nobody_from_its_health() {
    let Some(sample) = Sample::find() else { return };
    let _machine = MACHINE.lock().await;
    let server = target::start(&sample.library, "pictures");
    let parts = Input::Http(Request {
        method: "POST".into(),
        path: "/predict".into(),
        headers: vec![(
            "Content-Type".into(),
            b"multipart/form-data; boundary=f".into(),
        )],
        body: b"--f\r\n\r\n\r\n".repeat(180_000),
    });
    let mut latest = Vec::new();
    // What else the machine does may take longer than is allowed here; three times in a row it does not.
    while latest.len() < 3 && latest.last().is_none_or(|late| *late > target::PROMPT) {
        let health = Health::watch(server.port, || {});
        let calls = (0..4).map(|_| {
            let (parts, mut client) = (parts.clone(), Client::new(server.port));
            tokio::spawn(async move { client.ask(&parts, false).await.unwrap().unwrap().status })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap(), 413);
        }
        latest.push(health.stop().longest);
    }
    assert!(
        latest.iter().any(|late| *late < target::PROMPT),
        "{latest:?}"
    );
    target::end(server);
}

/// One campaign at a time: together they would take the machine from what has to be prompt.
static MACHINE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn fuzz(extensions: &[&str]) {
    let Some(sample) = Sample::find() else { return };
    let _machine = MACHINE.lock().await;
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect(name))
    };
    let seconds = number("BOXWRIGHT_FUZZ_SECONDS").unwrap_or(10);
    let seed = number("BOXWRIGHT_FUZZ_SEED").unwrap_or(1);
    let time = Duration::from_secs(seconds) / PACKAGES.len() as u32;
    for package in PACKAGES {
        campaign::run(&sample.library, package, extensions, time, seed).await;
    }
}
