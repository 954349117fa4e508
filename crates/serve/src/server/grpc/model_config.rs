//! A model as Triton's ModelConfig.

use boxwright_model::package::Batch;

use super::proto::inference::model_config::SchedulingChoice;
use super::proto::inference::model_version_policy::{Latest, PolicyChoice};
use super::proto::inference::{
    DataType, ModelConfig, ModelDynamicBatching, ModelInput, ModelOutput, ModelTransactionPolicy,
    ModelVersionPolicy,
};
use crate::server::models::{ModelMetadata, TensorMetadata, config_type};

/// The configuration of a model whose requests are batched as `batch` says.
pub fn model_config(metadata: &ModelMetadata, batch: &Batch) -> ModelConfig {
    let kind = |tensor: &TensorMetadata| {
        DataType::from_str_name(&config_type(tensor.datatype))
            .unwrap_or(DataType::TypeInvalid)
            .into()
    };
    let input = |tensor: &TensorMetadata| ModelInput {
        name: tensor.name.clone(),
        data_type: kind(tensor),
        dims: metadata.dims(tensor).into(),
    };
    let output = |tensor: &TensorMetadata| ModelOutput {
        name: tensor.name.clone(),
        data_type: kind(tensor),
        dims: metadata.dims(tensor).into(),
    };
    let max_batch_size = i32::try_from(metadata.max_batch_size).unwrap_or(i32::MAX);
    let batching = ModelDynamicBatching {
        preferred_batch_size: vec![max_batch_size],
        max_queue_delay_microseconds: batch.max_delay_ms.saturating_mul(1000),
    };
    let batching = Some(SchedulingChoice::DynamicBatching(batching));
    ModelConfig {
        name: metadata.name.clone(),
        platform: metadata.platform.into(),
        backend: metadata.backend().into(),
        version_policy: Some(ModelVersionPolicy {
            policy_choice: Some(PolicyChoice::Latest(Latest { num_versions: 1 })),
        }),
        max_batch_size,
        input: metadata.inputs.iter().map(input).collect(),
        output: metadata.outputs.iter().map(output).collect(),
        scheduling_choice: batching.filter(|_| metadata.max_batch_size > 0),
        model_transaction_policy: Some(ModelTransactionPolicy { decoupled: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_name_in_triton() {
        for name in [
            "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
            "FP16", "BF16", "FP32", "FP64", "BYTES",
        ] {
            let datatype = serde_json::from_value(name.into()).unwrap();
            assert!(
                DataType::from_str_name(&config_type(datatype)).is_some(),
                "{name}"
            );
        }
    }
}
