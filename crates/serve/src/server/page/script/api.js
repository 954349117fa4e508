// What the model takes and gives, and how other programs ask for it.

/** The tensors of both models, as the Open Inference Protocol describes them. */
function signature(models) {
  at("signature").replaceChildren(
    ...models.map(({ name: model, inputs, outputs }) => {
      const told = model.endsWith("-tensor") ? "the model’s own tensors" : server.takes === "tensor" ? "tensors in files, through the whole pipeline" : "encoded pictures, through the whole pipeline";
      const head = make("caption", "", make("strong", "mono", model), make("span", "", told));
      return make("table", "", head, make("tbody", "", ...rows("Takes", inputs)), make("tbody", "", ...rows("Gives", outputs)));
    }),
  );
}

function rows(word, tensors) {
  return tensors.map((tensor, place) => {
    const kind = shape(tensor.shape);
    kind.prepend(`${tensor.datatype} `);
    const row = make("tr", "", make("td", "", make("div", "tensor", make("span", "", tensor.name), kind)));
    if (place > 0) return row;
    const head = make("th", "", word);
    head.scope = "rowgroup";
    head.rowSpan = tensors.length;
    row.prepend(head);
    return row;
  });
}

/** Tabs of code that can be copied. */
function snippets(tensorModel) {
  const open = at("tabs").querySelector("[aria-selected=true]")?.textContent;
  const tabs = [];
  const panels = Object.entries(calls(tensorModel)).map(([title, blocks], place) => {
    const tab = make("button", "", title);
    Object.assign(tab, { type: "button", id: `tab-${place}` });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `panel-${place}`);
    tabs.push(tab);
    const panel = make("div", "panel", ...blocks.map(block));
    panel.id = `panel-${place}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    return panel;
  });
  const choose = (chosen) => {
    tabs.forEach((tab, place) => {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panels[place].hidden = tab !== chosen;
    });
  };
  at("tabs").replaceChildren(...tabs);
  at("panels").replaceChildren(...panels);
  at("tabs").onclick = ({ target }) => tabs.includes(target) && choose(target);
  at("tabs").onkeydown = ({ key }) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!by) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + by + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  };
  choose(tabs.find((tab) => tab.textContent === open) ?? tabs[0]);
}

function block([title, code]) {
  const made = make("button", "btn icon small quiet");
  made.type = "button";
  copier(made, { name: `Copy: ${title}` }, () => code);
  const text = make("pre", "code", code);
  text.tabIndex = 0;
  text.setAttribute("role", "region");
  text.setAttribute("aria-label", title);
  return make("div", "card snippet", make("div", "snippet-head", make("span", "grow", title), made), text);
}

/** Programs by tab, for this server and this model. */
function calls(tensorModel) {
  const here = new URL(".", location.href);
  const secure = here.protocol === "https:";
  const model = /^[a-z0-9._-]+$/.test(server.name) ? server.name : "NAME";
  const [input, file] = server.takes === "tensor" ? ["sample", "sample.npy"] : ["image", "picture.jpg"];
  const target = `${here.hostname}:${here.port || (secure ? 443 : 80)}`;
  const rest = { at: `${here.host}${here.pathname.replace(/\/$/, "")}`, more: secure ? ", ssl=True" : "" };
  const facts = { address: here.href, model, input, file, target, secure, tensorModel };
  return {
    curl: shellCalls(facts),
    Python: [
      ["requests", requestsCall(facts)],
      ["Triton’s client", tritonCall("http", rest, facts)],
      ...(tensorModel ? [["The model’s own tensors", tensorCall("http", rest, facts)]] : []),
    ],
    gRPC: [
      ["grpcurl", grpcurlCall(facts)],
      ["Triton’s client", tritonCall("grpc", { at: target, more: rest.more }, facts)],
      ...(tensorModel ? [["The model’s own tensors", tensorCall("grpc", { at: target, more: rest.more }, facts)]] : []),
    ],
  };
}

const ENCODED = (file) => `"$(base64 < ${file} | tr -d '\\n')"`;

function shellCalls({ address, model, input, file }) {
  const request = `{"inputs": [{"name": "${input}", "datatype": "BYTES", "shape": [1], "data": ["%s"]}]}`;
  return [
    ["One file or many", `curl -F ${input}=@${file} \\\n  ${address}predict`],
    ["The body is the file", `curl --data-binary @${file} \\\n  -H 'Content-Type: application/octet-stream' \\\n  ${address}predict`],
    ["Open Inference Protocol", `printf '${request}' \\\n  ${ENCODED(file)} |\n  curl -d @- -H 'Content-Type: application/json' \\\n  ${address}v2/models/${model}/infer`],
  ];
}

/** How a program reads the results of the served task: what it imports, and lines that print one `prediction`. */
function reading() {
  const { detections, segmentation, matte, embedding, text, outputs } = server.result;
  const has = (field) => detections?.items?.properties?.[field];
  if (has("mask"))
    return [["numpy as np"], `for found in prediction["detections"]:
    height, width = found["mask"]["size"]
    runs = found["mask"]["counts"]
    inside = np.arange(len(runs)) % 2 == 1
    mask = np.repeat(inside, runs).reshape(width, height).T
    print(found["class"], found["score"], found["box"], mask.sum())`];
  if (detections) {
    const more = ["polygon", "keypoints"].find(has) ?? "box";
    return [[], `for found in prediction["detections"]:
    print(found["class"], found["score"], found["${more}"])`];
  }
  const opened = (png) => `Image.open(io.BytesIO(base64.b64decode(${png})))`;
  if (segmentation)
    return [["base64", "io", "numpy as np", PILLOW], `found = prediction["segmentation"]
mask = np.array(${opened('found["mask"]')})
for one in found["classes"]:
    print(one["class"], (mask == one["index"]).sum(), "pixels")`];
  if (matte) return [["base64", "io", PILLOW], `matte = ${opened('prediction["matte"]')}
matte.save("matte.png")
print(matte.size)`];
  if (embedding) return [["numpy as np"], `values = np.array(prediction["embedding"]["values"])
print(values.shape, np.linalg.norm(values))`];
  if (text) return [[], 'print(prediction["text"]["value"], prediction["text"]["score"])'];
  if (outputs) return [["numpy as np"], `for name, output in prediction["outputs"].items():
    values = np.array(output["data"], dtype=float)
    print(name, values.reshape(output["shape"]))`];
  return [[], "print(prediction)"];
}

const PILLOW = "from PIL import Image";

/** Import statements, each once: those of modules first. */
function imports(...names) {
  const lines = [...new Set(names)].map((name) => (name.startsWith("from ") ? name : `import ${name}`));
  return lines.sort((a, b) => a.startsWith("from ") - b.startsWith("from ") || (a < b ? -1 : 1)).join("\n");
}

const indented = (lines) => lines.replace(/^/gm, "    ");
const installs = (packages) => `# pip install ${packages.join(" ")}\n`;

function requestsCall({ address, input, file }) {
  const [modules, lines] = reading();
  const more = [modules.includes("numpy as np") && "numpy", modules.includes(PILLOW) && "pillow"].filter(Boolean);
  return `${more.length > 0 ? installs(["requests", ...more]) : ""}${imports("requests", ...modules)}

with open("${file}", "rb") as sample:
    answer = requests.post(
        "${address}predict",
        files={"${input}": sample},
    )
answer.raise_for_status()
prediction = answer.json()["predictions"][0]
${lines}`;
}

function tritonCall(kind, { at: target, more }, { model, input, file }) {
  const [modules, lines] = reading();
  return `${installs([`"tritonclient[${kind}]"`, ...(modules.includes(PILLOW) ? ["pillow"] : [])])}${imports("json", "numpy as np", `tritonclient.${kind} as triton`, ...modules)}

client = triton.InferenceServerClient("${target}"${more})
with open("${file}", "rb") as sample:
    samples = np.array([sample.read()], dtype=object)
tensor = triton.InferInput("${input}", [1], "BYTES")
tensor.set_data_from_numpy(samples)
answer = client.infer("${model}", [tensor])
for told in answer.as_numpy("prediction"):
    prediction = json.loads(told)
${indented(lines)}`;
}

function tensorCall(kind, { at: target, more }, { model, tensorModel }) {
  const wanted = tensorModel.inputs.map(({ name: input, shape: axes, datatype }) => {
    const lengths = axes.map((length) => Math.max(1, Number(length)));
    return `    (${JSON.stringify(input)}, [${lengths.join(", ")}], "${datatype}"),`;
  });
  return `# pip install "tritonclient[${kind}]"
import numpy as np
import tritonclient.${kind} as triton
from tritonclient.utils import triton_to_np_dtype

client = triton.InferenceServerClient("${target}"${more})
inputs = []
for name, shape, datatype in [
${wanted.join("\n")}
]:
    tensor = triton.InferInput(name, shape, datatype)
    values = np.zeros(shape, triton_to_np_dtype(datatype))
    tensor.set_data_from_numpy(values)
    inputs.append(tensor)
answer = client.infer("${model}-tensor", inputs)
print(answer.as_numpy(${JSON.stringify(tensorModel.outputs[0]?.name ?? "")}).shape)`;
}

function grpcurlCall({ model, input, file, target, secure }) {
  const request = `{"model_name": "${model}", "inputs": [{"name": "${input}", "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": ["%s"]}}]}`;
  return `printf '${request}' \\
  ${ENCODED(file)} |
  grpcurl ${secure ? "" : "-plaintext "}-d @ ${target} \\
  inference.GRPCInferenceService/ModelInfer`;
}
