"""What grpcurl does with `-plaintext -d @ HOST METHOD`: JSON from stdin, by the server's own description of itself."""

import sys

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

assert sys.argv[1:4] == ["-plaintext", "-d", "@"], sys.argv
host, path = sys.argv[4:]
service, name = path.split("/")
with grpc.insecure_channel(host) as channel:
    described = DescriptorPool(ProtoReflectionDescriptorDatabase(channel)).FindServiceByName(service)
    method = described.methods_by_name[name]
    request = json_format.Parse(sys.stdin.read(), GetMessageClass(method.input_type)())
    answer = GetMessageClass(method.output_type)
    call = channel.unary_unary(f"/{path}", type(request).SerializeToString, answer.FromString)
    print(json_format.MessageToJson(call(request)))
