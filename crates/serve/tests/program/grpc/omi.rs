//! The Open Model Interface.

use std::collections::HashMap;

use tonic::Code;

use super::client::inference::{
    ServerLiveRequest, grpc_inference_service_client::GrpcInferenceServiceClient,
};
use super::client::omi::*;
use super::client::*;
use crate::support::{PROGRAM, Sample, Server, ask, assert_is_reference};

/// The interface's own port, which was left open.
pub fn port(server: &mut Server) -> u16 {
    let line = server.wait_for("the Open Model Interface is on");
    let address = line.split(" is on ").nth(1).unwrap();
    let (_, port) = address.split(' ').next().unwrap().rsplit_once(':').unwrap();
    port.parse().unwrap()
}

fn item(parts: &[(&str, &[u8])]) -> InputItem {
    let part = |(name, bytes): &(&str, &[u8])| ((*name).to_owned(), bytes.to_vec().into());
    InputItem {
        input: parts.iter().map(part).collect::<HashMap<_, _>>(),
    }
}

#[tokio::test]
async fn run_needs_no_status_before_it_and_answers_each_item() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = omi(server.port).await;
    let cat = cat();
    let request = RunRequest {
        inputs: vec![
            item(&[("input", &cat)]),
            item(&[("input", b"no picture")]),
            item(&[("anything", &cat)]),
            item(&[]),
            item(&[("one", &cat), ("other", &cat)]),
        ],
        ..RunRequest::default()
    };
    let answer = client.run(request).await.unwrap().into_inner();
    assert_eq!((answer.status_code, answer.status.as_str()), (200, "OK"));
    let succeeded: Vec<bool> = answer.outputs.iter().map(|output| output.success).collect();
    assert_eq!(succeeded, [true, false, true, false, false]);
    for output in &answer.outputs {
        let key = if output.success {
            "results.json"
        } else {
            "error"
        };
        assert_eq!(output.output.keys().collect::<Vec<_>>(), [key]);
        if output.success {
            assert_is_reference(
                "cat.jpg",
                &serde_json::from_slice(&output.output[key]).unwrap(),
            );
        } else {
            assert!(!output.output[key].is_empty());
        }
    }
}

#[tokio::test]
async fn status_describes_the_model() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[("REQUEST_TIMEOUT_MS", "30500")]);
    let mut client = omi(server.port).await;
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.status_code, status.status.as_str()), (200, "OK"));
    let (info, features) = (status.model_info.unwrap(), status.features.unwrap());
    assert_eq!(
        (info.model_name.as_str(), info.model_version.as_str()),
        (NAME, "0.0.1")
    );
    assert_eq!(
        features.batch_size as usize,
        sample.package().batch.max_size
    );
    assert_eq!(
        (
            status.inputs[0].filename.as_str(),
            status.outputs[0].filename.as_str()
        ),
        ("input", "results.json")
    );
    assert!(
        status.inputs[0]
            .accepted_media_types
            .iter()
            .any(|kind| kind == "image/jpeg")
    );
    assert_eq!(status.timeout.unwrap().run, "31s");
    let resources = status.resources.unwrap();
    assert_eq!(
        resources.required_ram,
        format!("{}M", sample.package().resources.memory_mb)
    );
    assert!(resources.num_cpus > 0.0);
}

#[tokio::test]
async fn a_model_that_is_not_there_is_told_by_status_and_not_run() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let mut client = omi(server.port).await;
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.status_code, 503);
    assert!(!status.message.is_empty());
    assert_eq!(
        refusal(client.run(RunRequest::default()).await).0,
        Code::Unavailable
    );
}

#[tokio::test]
async fn shutdown_works_on_its_own_port_only() {
    for variable in ["OMI_PORT", "PSC_MODEL_PORT"] {
        let mut server = Server::start(&[("MODEL", "/nowhere"), (variable, "0")]);
        let port = port(&mut server);
        let mut main = omi(server.port).await;
        let (code, message) = refusal(main.shutdown(ShutdownRequest {}).await);
        assert!(
            code == Code::PermissionDenied && message.contains("OMI_PORT"),
            "{code:?} {message}"
        );
        assert_eq!(server.get("/v2/health/live").status, 200);

        let mut other = GrpcInferenceServiceClient::new(channel(port).await);
        let answer = other.server_live(ServerLiveRequest {}).await;
        assert_eq!(refusal(answer).0, Code::Unimplemented);
        let head = "GET / HTTP/1.1\r\nHost: localhost\r\n";
        assert!(ask(port, head, b"").error(404).contains("gRPC only"));

        let answer = omi(port)
            .await
            .shutdown(ShutdownRequest {})
            .await
            .unwrap()
            .into_inner();
        assert_eq!((answer.status_code, answer.status.as_str()), (200, "OK"));
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_port_of_its_own_is_another_one() {
    let output = std::process::Command::new(PROGRAM)
        .env_clear()
        .envs([("PORT", "8123"), ("PSC_MODEL_PORT", "8123")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("8123"));
}
