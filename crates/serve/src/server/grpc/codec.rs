//! Protobuf messages, with a limit on their number of fields.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstDecoder, ProstEncoder};

/// Fields of a message at most. An empty tensor takes two bytes of a message, and a hundred times as
/// much memory.
const MAX_FIELDS: usize = 1 << 16;

/// Protobuf with limits.
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

/// Reads messages that have at most [`MAX_FIELDS`] fields, those of nested messages not counted.
pub struct BoundedDecoder<U>(ProstDecoder<U>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> BoundedDecoder<U> {
        BoundedDecoder(ProstDecoder::default())
    }
}

impl<U: Message + Default> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // One chunk is the whole message.
        if has_more_fields_than(MAX_FIELDS, buffer.chunk()) {
            return Err(Status::invalid_argument(format!(
                "the message has more than {MAX_FIELDS} fields"
            )));
        }
        // prost's INTERNAL would count as a fault of the server.
        let refused = |status: Status| Status::invalid_argument(status.message());
        self.0.decode(buffer).map_err(refused)
    }
}

fn has_more_fields_than(max: usize, mut message: &[u8]) -> bool {
    for _ in 0..=max {
        if message.is_empty() {
            return false;
        }
        let skipped = decode_key(&mut message)
            .and_then(|(tag, wire)| skip_field(wire, tag, &mut message, DecodeContext::default()));
        if skipped.is_err() {
            // Decoding it gives a better error.
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::grpc::proto::inference::ModelInferRequest;
    use crate::server::grpc::proto::inference::model_infer_request::InferInputTensor;

    #[test]
    fn fields_are_counted_up_to_the_limit() {
        let request = |inputs| ModelInferRequest {
            model_name: "m".into(),
            inputs: vec![InferInputTensor::default(); inputs],
            ..ModelInferRequest::default()
        };
        assert!(!has_more_fields_than(10, &[]));
        assert!(!has_more_fields_than(10, &request(9).encode_to_vec()));
        assert!(has_more_fields_than(10, &request(10).encode_to_vec()));
        assert!(!has_more_fields_than(10, &[0xff; 100]));
    }
}
