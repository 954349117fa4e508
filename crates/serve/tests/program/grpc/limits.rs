//! What holds for all of gRPC: sizes, health, the port that it shares, the end.

use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures_util::StreamExt;
use tonic::client::GrpcService;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_reflection::pb::{v1, v1alpha};

use super::client::inference::*;
use super::client::omi::{InputItem, RunRequest};
use super::client::*;
use crate::support::{Sample, Server, ask, assert_is_reference};

#[tokio::test]
async fn messages_are_bounded_by_the_body_limit_and_not_below_it() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[("MAX_BODY_MB", "8")]);
    let mut client = inference(server.port).await;
    let large = client.model_infer(raw_tensor(13)).await.unwrap();
    assert_eq!(large.get_ref().outputs[0].shape, [13, 1000]);
    let (code, message) = refusal(client.model_infer(raw_tensor(14)).await);
    assert_eq!(code, Code::ResourceExhausted);
    assert!(
        message.contains("8 MiB") && message.contains("MAX_BODY_MB"),
        "{message}"
    );
    let too_many = ModelInferRequest {
        outputs: vec![wanted(""); 70_000],
        ..raw_tensor(1)
    };
    assert_eq!(
        refusal(client.model_infer(too_many).await).0,
        Code::InvalidArgument
    );

    // Elements take less room on the way than in memory.
    let mut small = raw_tensor(1);
    small.raw_input_contents.clear();
    small.inputs[0].datatype = "INT64".into();
    small.inputs[0].contents = Some(InferTensorContents {
        int64_contents: vec![1; 2 << 20],
        ..InferTensorContents::default()
    });
    assert_eq!(
        refusal(client.model_infer(small).await).0,
        Code::ResourceExhausted
    );

    let mut compressed = client.send_compressed(CompressionEncoding::Gzip);
    let unfolds = compressed.model_infer(raw_tensor(14)).await;
    assert_eq!(refusal(unfolds).0, Code::ResourceExhausted);
    assert!(compressed.model_infer(raw_tensor(1)).await.is_ok());
}

#[tokio::test]
async fn a_deadline_that_passes_ends_the_call() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[("REQUEST_TIMEOUT_MS", "50")]);
    let mut client = inference(server.port).await;
    let (code, message) = refusal(client.model_infer(raw_tensor(60)).await);
    assert_eq!(code, Code::DeadlineExceeded, "{message}");
    assert!(client.server_live(ServerLiveRequest {}).await.is_ok());
}

#[tokio::test]
async fn health_says_what_the_server_says() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let channel = channel(server.port).await;
    let mut health = HealthClient::new(channel.clone());
    let asked = |service: &str| HealthCheckRequest {
        service: service.into(),
    };
    for service in ["", "inference.GRPCInferenceService", "ModzyModel"] {
        let status = health
            .check(asked(service))
            .await
            .unwrap()
            .get_ref()
            .status();
        assert_eq!(status, ServingStatus::NotServing);
    }
    assert_eq!(refusal(health.check(asked("dogs")).await).0, Code::NotFound);
    let mut unknown = health.watch(asked("dogs")).await.unwrap().into_inner();
    let status = soon(unknown.message()).await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::ServiceUnknown);
    let mut client = GrpcInferenceServiceClient::new(channel);
    assert!(
        client
            .server_live(ServerLiveRequest {})
            .await
            .unwrap()
            .get_ref()
            .live
    );
    assert!(
        !client
            .server_ready(ServerReadyRequest {})
            .await
            .unwrap()
            .get_ref()
            .ready
    );
    let (code, message) = refusal(client.model_infer(raw_tensor(1)).await);
    assert!(
        code == Code::Unavailable && !message.is_empty(),
        "{code:?} {message}"
    );
    let index = client
        .repository_index(RepositoryIndexRequest::default())
        .await
        .unwrap();
    assert!(index.get_ref().models.is_empty());
}

#[tokio::test]
async fn reflection_tells_the_services_and_their_messages() {
    let mut server = Server::start(&[("MODEL", "/nowhere"), ("OMI_PORT", "0")]);
    for (port, has_inference) in [(server.port, true), (super::omi::port(&mut server), false)] {
        let names = services(channel(port).await).await;
        for service in [
            "ModzyModel",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
        ] {
            assert!(names.iter().any(|name| name == service), "{names:?}");
        }
        let inference = names
            .iter()
            .any(|name| name == "inference.GRPCInferenceService");
        assert_eq!(inference, has_inference, "{names:?}");
    }
    let mut older =
        v1alpha::server_reflection_client::ServerReflectionClient::new(channel(server.port).await);
    let symbol = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
        "inference.ModelConfig".into(),
    );
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(symbol),
    };
    let mut answers = older
        .server_reflection_info(futures_util::stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = soon(answers.message())
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    assert!(
        format!("{answer:?}").contains("FileDescriptorResponse"),
        "{answer:?}"
    );
}

async fn services(channel: Channel) -> Vec<String> {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel);
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request,
    };
    let mut answers = client
        .server_reflection_info(futures_util::stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    match soon(answers.message())
        .await
        .unwrap()
        .unwrap()
        .message_response
    {
        Some(MessageResponse::ListServicesResponse(list)) => list
            .service
            .into_iter()
            .map(|service| service.name)
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_page_elsewhere_can_not_reach_a_server_for_this_machine() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let evil = channel_as(server.port, "http://evil.example:8080").await;
    let answer = GrpcInferenceServiceClient::new(evil)
        .server_live(ServerLiveRequest {})
        .await;
    let (code, message) = refusal(answer);
    assert!(
        code == Code::PermissionDenied && message.contains("this machine only"),
        "{code:?} {message}"
    );
    let open = Server::start(&[("MODEL", "/nowhere"), ("HOST", "0.0.0.0")]);
    let anyone = channel_as(open.port, "http://models.example").await;
    let answer = GrpcInferenceServiceClient::new(anyone)
        .server_live(ServerLiveRequest {})
        .await;
    assert!(answer.unwrap().get_ref().live);
}

#[tokio::test]
async fn one_port_speaks_grpc_and_both_versions_of_http() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    assert_eq!(server.get("/").status, 200);
    // gRPC needs HTTP/2: over HTTP/1.1 its paths are like any other that is not there.
    let head = "POST /inference.GRPCInferenceService/ServerLive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n";
    ask(server.port, head, b"").error(404);

    let mut channel = channel(server.port).await;
    let request =
        axum::http::Request::get(format!("http://127.0.0.1:{}/v2/health/live", server.port));
    let request = request.body(tonic::body::Body::empty()).unwrap();
    let response = send(&mut channel, request).await;
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, axum::http::Version::HTTP_2)
    );

    let mut grpc = tonic::client::Grpc::new(channel);
    for path in [
        "/inference.GRPCInferenceService/Dream",
        "/dreams.Service/Dream",
    ] {
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<ServerLiveRequest, ServerLiveResponse>::default();
        let path = PathAndQuery::from_static(path);
        let answer = grpc
            .unary(Request::new(ServerLiveRequest {}), path, codec)
            .await;
        assert_eq!(refusal(answer).0, Code::Unimplemented);
    }
}

#[tokio::test]
async fn a_message_that_can_not_be_read_is_its_callers_fault() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let mut grpc = tonic::client::Grpc::new(channel(server.port).await);
    grpc.ready().await.unwrap();
    // A name that is not UTF-8.
    let broken = RunRequest {
        inputs: vec![InputItem {
            input: [(String::new(), vec![0xff].into())].into(),
        }],
        ..RunRequest::default()
    };
    let codec = tonic_prost::ProstCodec::<RunRequest, ModelReadyResponse>::default();
    let path = PathAndQuery::from_static("/inference.GRPCInferenceService/ModelReady");
    let answer = grpc.unary(Request::new(broken), path, codec).await;
    let (code, message) = refusal(answer);
    assert!(
        code == Code::InvalidArgument && !message.is_empty(),
        "{code:?} {message}"
    );
}

async fn send(
    channel: &mut Channel,
    request: axum::http::Request<tonic::body::Body>,
) -> axum::http::Response<tonic::body::Body> {
    std::future::poll_fn(|context| channel.poll_ready(context))
        .await
        .unwrap();
    channel.call(request).await.unwrap()
}

#[tokio::test]
async fn the_end_waits_for_calls_in_flight_and_tells_who_watches() {
    let Some(sample) = Sample::find() else { return };
    let mut server = Server::with(&sample, &[]);
    let channel = channel(server.port).await;
    let mut watched = HealthClient::new(channel.clone())
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        soon(watched.message()).await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );
    let mut client =
        GrpcInferenceServiceClient::new(channel.clone()).max_encoding_message_size(usize::MAX);
    let mut idle = client
        .model_stream_infer(futures_util::stream::pending())
        .await
        .unwrap()
        .into_inner();

    let cat = cat();
    let item = |bytes: &[u8]| InputItem {
        input: [("input".to_owned(), bytes.to_vec().into())].into(),
    };
    let request = RunRequest {
        inputs: vec![item(&cat); 100],
        ..RunRequest::default()
    };
    let mut omi = ModzyModelClient::new(channel.clone()).max_encoding_message_size(usize::MAX);
    let run = tokio::spawn(async move { omi.run(request).await });
    // The watch, the stream, the run, and this question.
    until_told(&server, "boxwright_requests_in_flight 4\n").await;
    server.terminate();
    assert_eq!(
        soon(watched.message()).await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    let (code, _) = refusal(client.model_infer(pictures(&[&cat])).await);
    assert_eq!(code, Code::Unavailable);

    let outputs = soon(run).await.unwrap().unwrap().into_inner().outputs;
    assert_eq!(outputs.len(), 100);
    for output in outputs {
        let json = serde_json::from_slice(&output.output["results.json"]).unwrap();
        assert_is_reference("cat.jpg", &json);
    }
    let ended = soon(idle.next()).await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_stream_that_finds_no_memory_ends_busy_and_gives_all_of_it_back() {
    let Some(sample) = Sample::find() else { return };
    // Room for two of the largest messages.
    let limits = [("MAX_BODY_MB", "8"), ("MEMORY_LIMIT_MB", "32")];
    let server = Server::with(&sample, &limits);
    let mut client = inference(server.port).await;
    let many = futures_util::stream::iter((0..40).map(|_| raw_tensor(12)));
    let mut answers = client.model_stream_infer(many).await.unwrap().into_inner();
    let mut answered = 0;
    let code = loop {
        match soon(answers.message()).await {
            Ok(Some(answer)) if answer.error_message.is_empty() => answered += 1,
            Ok(Some(answer)) => assert!(answer.error_message.contains("memory"), "{answer:?}"),
            Ok(None) => break Code::Ok,
            Err(status) => break status.code(),
        }
    };
    assert!(answered > 0);
    assert!(
        matches!(code, Code::Ok | Code::ResourceExhausted),
        "{code:?}"
    );
    drop(answers);
    until_told(&server, "boxwright_body_memory_bytes 0\n").await;
    assert!(client.model_infer(raw_tensor(12)).await.is_ok());
}

/// Waits until the figures of the server say so.
async fn until_told(server: &Server, line: &str) {
    soon(async {
        while !server.get("/metrics").body.contains(line) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
