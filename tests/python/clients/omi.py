"""Chassis' client of the Open Model Interface, as it comes."""

import asyncio
import json
import sys

from chassis.client import OMIClient
from expected import Sample
from grpclib.exceptions import GRPCError


async def run(sample: Sample, port: int) -> None:
    async with OMIClient("127.0.0.1", port) as client:
        status = await client.status()
        assert status.status_code == 200, status
        assert status.features.batch_size == 8, status.features
        assert status.inputs and status.outputs[0].filename == "results.json", status
        first, last = sample.names[0], sample.names[-1]
        inputs = [{"input": sample.photo(first)}, {"input": b"no picture"}, {"picture": sample.photo(last)}]
        answer = await client.run(inputs)
        good, bad, other = answer.outputs
        assert good.success and other.success and not bad.success, answer
        sample.check(first, json.loads(good.output["results.json"]))
        sample.check(last, json.loads(other.output["results.json"]))
        assert bad.output["error"], bad


async def main() -> None:
    sample = Sample()
    port = int(sys.argv[1])
    await run(sample, port)
    await run(sample, sample.omi)
    async with OMIClient("127.0.0.1", port) as client:
        try:
            await client.shutdown()
        except GRPCError as error:
            assert error.status.name == "PERMISSION_DENIED", error
        else:
            raise AssertionError("Shutdown was let through on the main port")
        # It still answers.
        assert (await client.status()).status_code == 200
    async with OMIClient("127.0.0.1", sample.omi) as client:
        await client.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
