//! The Open Inference Protocol.

use serde_json::Value;
use tonic::Code;

use super::client::inference::infer_parameter::ParameterChoice;
use super::client::inference::*;
use super::client::*;
use crate::support::{Sample, Server, assert_is_reference, photo_bytes};

#[tokio::test]
async fn pictures_are_predicted_typed_and_raw_and_a_bad_one_is_an_error_in_its_place() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    let (cat, rocket) = (cat(), photo_bytes("rocket.jpg"));
    let all: [&[u8]; 3] = [&cat, b"no picture", &rocket];

    let request = ModelInferRequest {
        id: "42".into(),
        ..pictures(&all)
    };
    let typed = client.model_infer(request).await.unwrap().into_inner();
    assert_eq!(
        (
            typed.model_name.as_str(),
            typed.model_version.as_str(),
            typed.id.as_str()
        ),
        (NAME, "0.0.1", "42")
    );
    assert!(typed.raw_output_contents.is_empty());
    let output = &typed.outputs[0];
    assert_eq!(
        (
            output.name.as_str(),
            output.datatype.as_str(),
            &output.shape[..]
        ),
        ("prediction", "BYTES", &[3][..])
    );
    let texts = &output.contents.as_ref().unwrap().bytes_contents;
    let typed: Vec<Value> = texts
        .iter()
        .map(|text| serde_json::from_slice(text).unwrap())
        .collect();

    let raw = client
        .model_infer(raw_pictures(&all))
        .await
        .unwrap()
        .into_inner();
    assert!(raw.outputs[0].contents.is_none());
    for predictions in [typed, raw_predictions(&raw)] {
        assert_eq!(predictions.len(), 3);
        assert_is_reference("cat.jpg", &predictions[0]);
        assert_eq!(
            predictions[1]["error"]["code"], "SampleUnreadable",
            "{predictions:?}"
        );
        assert_is_reference("rocket.jpg", &predictions[2]);
    }
}

#[tokio::test]
async fn the_models_own_tensors_are_the_same_typed_and_raw() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    let raw = client
        .model_infer(raw_tensor(3))
        .await
        .unwrap()
        .into_inner();
    let output = &raw.outputs[0];
    assert_eq!(
        (output.datatype.as_str(), &output.shape[..]),
        ("FP32", &[3, 1000][..])
    );
    let raw_bytes = &raw.raw_output_contents[0];
    assert_eq!(raw_bytes.len(), 3 * 1000 * 4);

    let contents = InferTensorContents {
        fp32_contents: vec![0.25; 3 * PICTURE / 4],
        ..InferTensorContents::default()
    };
    let mut request = raw_tensor(3);
    request.raw_input_contents.clear();
    request.inputs[0].contents = Some(contents);
    request.outputs = vec![wanted(&output.name)];
    let typed = client.model_infer(request).await.unwrap().into_inner();
    let numbers = &typed.outputs[0].contents.as_ref().unwrap().fp32_contents;
    let typed_bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    assert_eq!(&typed_bytes, raw_bytes);
    assert!(typed.raw_output_contents.is_empty());
}

/// A request that fits, changed.
fn changed(change: fn(&mut ModelInferRequest)) -> ModelInferRequest {
    let mut request = raw_tensor(1);
    change(&mut request);
    request
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_told_why() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    for (request, told) in [
        (changed(|r| r.model_name = "dogs".into()), "`dogs`"),
        (changed(|r| r.model_version = "9".into()), "`9`"),
    ] {
        let (code, message) = refusal(client.model_infer(request).await);
        assert!(
            code == Code::NotFound && message.contains(told),
            "{code:?}: {message} ({told})"
        );
    }
    for (request, told) in [
        (changed(|r| r.inputs[0].name = "pixels".into()), "`images`"),
        (
            changed(|r| r.inputs[0].datatype = "INT8".into()),
            "input `images` is INT8",
        ),
        (
            changed(|r| r.inputs[0].datatype = "FLOAT".into()),
            "input `images` has the datatype `FLOAT`",
        ),
        (
            changed(|r| r.inputs[0].shape = vec![1, 3, 224, 225]),
            "input `images` has the shape [1, 3, 224, 225]",
        ),
        (
            changed(|r| r.inputs[0].shape = vec![-1, 3, 224, 224]),
            "input `images` has the shape [-1, 3, 224, 224]",
        ),
        (
            changed(|r| r.inputs[0].shape = vec![2, 3, 224, 224]),
            "input `images` has 602112 bytes",
        ),
        (
            changed(|r| r.raw_input_contents.push("more".into())),
            "2 raw_input_contents for 1 inputs",
        ),
        (changed(|r| r.outputs = vec![wanted("dreams")]), "`dreams`"),
        (changed(|r| r.inputs.clear()), "0 inputs"),
    ] {
        let (code, message) = refusal(client.model_infer(request).await);
        assert!(
            code == Code::InvalidArgument && message.contains(told),
            "{code:?}: {message} ({told})"
        );
    }
    let fits = client.model_infer(raw_tensor(1)).await.unwrap();
    assert_eq!(fits.get_ref().outputs[0].shape, [1, 1000]);
}

#[tokio::test]
async fn the_server_describes_itself_as_by_http() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    assert!(
        client
            .server_live(ServerLiveRequest {})
            .await
            .unwrap()
            .get_ref()
            .live
    );
    assert!(
        client
            .server_ready(ServerReadyRequest {})
            .await
            .unwrap()
            .get_ref()
            .ready
    );
    let about = client
        .server_metadata(ServerMetadataRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (about.name.as_str(), about.version.as_str()),
        ("boxwright", env!("CARGO_PKG_VERSION"))
    );
    let rest = server.get("/v2").json();
    assert_eq!(
        serde_json::to_value(&about.extensions).unwrap(),
        rest["extensions"]
    );
}

#[tokio::test]
async fn the_models_are_described_as_by_http() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    for name in [NAME, TENSOR] {
        let asked = |version: &str| ModelReadyRequest {
            name: name.into(),
            version: version.into(),
        };
        assert!(
            client
                .model_ready(asked("0.0.1"))
                .await
                .unwrap()
                .get_ref()
                .ready
        );
        assert_eq!(
            refusal(client.model_ready(asked("1")).await).0,
            Code::NotFound
        );
        let asked = ModelMetadataRequest {
            name: name.into(),
            version: String::new(),
        };
        let model = client.model_metadata(asked).await.unwrap().into_inner();
        let rest = server.get(&format!("/v2/models/{name}")).json();
        assert_eq!(
            (&model.name, &model.platform),
            (
                &name.to_owned(),
                &rest["platform"].as_str().unwrap().to_owned()
            )
        );
        for (ours, theirs) in [
            (&model.inputs[0], &rest["inputs"][0]),
            (&model.outputs[0], &rest["outputs"][0]),
        ] {
            assert_eq!(theirs["name"], ours.name);
            assert_eq!(theirs["datatype"], ours.datatype);
            assert_eq!(theirs["shape"], serde_json::to_value(&ours.shape).unwrap());
        }
    }
    let unknown = ModelMetadataRequest {
        name: "dogs".into(),
        version: String::new(),
    };
    assert_eq!(
        refusal(client.model_metadata(unknown).await).0,
        Code::NotFound
    );
}

#[tokio::test]
async fn a_configuration_has_the_batch_apart() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    let asked = |name: &str| ModelConfigRequest {
        name: name.into(),
        version: String::new(),
    };
    let config = client
        .model_config(asked(TENSOR))
        .await
        .unwrap()
        .into_inner()
        .config
        .unwrap();
    assert_eq!((config.name.as_str(), config.max_batch_size), (TENSOR, 8));
    assert_eq!(
        (config.platform.as_str(), config.backend.as_str()),
        ("onnxruntime_onnx", "onnxruntime")
    );
    assert_eq!(config.input[0].dims, [3, 224, 224]);
    assert_eq!(config.input[0].data_type(), DataType::TypeFp32);
    assert_eq!(config.output[0].dims, [1000]);
    assert!(config.scheduling_choice.is_some());
    assert!(!config.model_transaction_policy.unwrap().decoupled);
    let config = client
        .model_config(asked(NAME))
        .await
        .unwrap()
        .into_inner()
        .config
        .unwrap();
    assert_eq!((config.max_batch_size, config.scheduling_choice), (0, None));
    assert_eq!(
        (&config.input[0].dims[..], config.input[0].data_type()),
        (&[-1][..], DataType::TypeString)
    );
}

#[tokio::test]
async fn the_repository_is_fixed() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    let all = client
        .repository_index(RepositoryIndexRequest::default())
        .await
        .unwrap()
        .into_inner();
    let listed: Vec<_> = all
        .models
        .iter()
        .map(|model| (model.name.as_str(), model.state.as_str()))
        .collect();
    assert_eq!(listed, [(NAME, "READY"), (TENSOR, "READY")]);
    let load = |name: &str| RepositoryModelLoadRequest {
        model_name: name.into(),
        ..Default::default()
    };
    let unload = |name: &str| RepositoryModelUnloadRequest {
        model_name: name.into(),
        ..Default::default()
    };
    assert_eq!(
        refusal(client.repository_model_load(load(NAME)).await).0,
        Code::PermissionDenied
    );
    assert_eq!(
        refusal(client.repository_model_unload(unload(NAME)).await).0,
        Code::PermissionDenied
    );
    assert_eq!(
        refusal(client.repository_model_load(load("dogs")).await).0,
        Code::NotFound
    );
    assert_eq!(
        refusal(client.repository_model_unload(unload("dogs")).await).0,
        Code::NotFound
    );
}

#[tokio::test]
async fn a_stream_is_answered_in_order_and_survives_a_bad_request() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let mut client = inference(server.port).await;
    let requests: Vec<ModelInferRequest> = (0..40)
        .map(|place| {
            let mut request = match place % 4 {
                0 => raw_tensor(1),
                1 => pictures(&[&cat()]),
                2 => raw_pictures(&[&cat()]),
                _ => ModelInferRequest {
                    model_name: "dogs".into(),
                    ..Default::default()
                },
            };
            request.id = place.to_string();
            request
        })
        .collect();
    let mut answers = client
        .model_stream_infer(futures_util::stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    for place in 0..40 {
        let answer = soon(answers.message()).await.unwrap().unwrap();
        let response = answer.infer_response.unwrap();
        assert_eq!(response.id, place.to_string());
        assert_eq!(
            answer.error_message.contains("`dogs`"),
            place % 4 == 3,
            "{}",
            answer.error_message
        );
        if place % 4 == 2 {
            assert_is_reference("cat.jpg", &raw_predictions(&response)[0]);
        }
        let last = &response.parameters["triton_final_response"].parameter_choice;
        assert_eq!(last, &Some(ParameterChoice::BoolParam(true)));
    }
    assert!(soon(answers.message()).await.unwrap().is_none());
}
