"""The sample behind MLServer: `NAME` takes JPEGs as base64 in V2's JSON, `NAME-tensor` tensors."""

import asyncio
import base64
import json
import sys

from classify import Classifier
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from with_pillow import preprocess

CLASSIFIER: Classifier


class Pictures(MLModel):
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        pictures = [base64.b64decode(element) for element in payload.inputs[0].data]
        results = [json.dumps({"classPredictions": CLASSIFIER.classify(p)}) for p in pictures]
        output = ResponseOutput(name="prediction", datatype="BYTES", shape=[len(results)], data=results)
        return InferenceResponse(model_name=self.name, outputs=[output])


class Tensors(MLModel):
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        logits = CLASSIFIER.logits(NumpyCodec.decode_input(payload.inputs[0]).astype("float32"))
        output = NumpyCodec.encode_output("logits", logits)
        return InferenceResponse(model_name=self.name, outputs=[output])


async def main() -> None:
    global CLASSIFIER
    model, labels, name, port = sys.argv[1:5]
    CLASSIFIER = Classifier(model, labels, preprocess)
    settings = Settings(
        host="127.0.0.1",
        http_port=int(port),
        grpc_port=int(port) + 1,
        metrics_endpoint=None,
        parallel_workers=0,
        debug=False,
    )
    server = MLServer(settings)
    models = [
        ModelSettings(name=name, implementation=Pictures),
        ModelSettings(name=f"{name}-tensor", implementation=Tensors),
    ]
    await server.start(models)


if __name__ == "__main__":
    asyncio.run(main())
