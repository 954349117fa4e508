"""The sample behind KServe's Python server: `NAME` takes JPEGs by its V1 protocol, `NAME-tensor`
tensors by V2, with binary data."""

import base64
import sys

from classify import Classifier
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from with_pillow import preprocess


class Pictures(Model):
    def __init__(self, name: str, classifier: Classifier) -> None:
        super().__init__(name)
        self.classifier = classifier
        self.ready = True

    def predict(self, request: dict, headers=None, response_headers=None) -> dict:
        pictures = [base64.b64decode(instance["b64"]) for instance in request["instances"]]
        results = [{"classPredictions": self.classifier.classify(picture)} for picture in pictures]
        return {"predictions": results}


class Tensors(Model):
    def __init__(self, name: str, classifier: Classifier) -> None:
        super().__init__(name)
        self.classifier = classifier
        self.ready = True

    def predict(self, request: InferRequest, headers=None, response_headers=None) -> InferResponse:
        logits = self.classifier.logits(request.inputs[0].as_numpy())
        output = InferOutput(name="logits", datatype="FP32", shape=list(logits.shape))
        output.set_data_from_numpy(logits, binary_data=True)
        return InferResponse(response_id="1", model_name=self.name, infer_outputs=[output])


def main() -> None:
    model, labels, name, port = sys.argv[1:5]
    # KServe reads the command line too.
    del sys.argv[1:]
    classifier = Classifier(model, labels, preprocess)
    server = ModelServer(http_port=int(port), enable_grpc=False, workers=1)
    server.start([Pictures(name, classifier), Tensors(f"{name}-tensor", classifier)])


if __name__ == "__main__":
    main()
