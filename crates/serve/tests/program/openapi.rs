//! The document at `/openapi.json` against the program.

use serde_json::Value;

use crate::support::{Server, ask};

#[test]
fn every_path_of_the_document_is_served_by_its_methods_and_no_other() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let document = server.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/v2/models/{model}/versions/{version}/infer"));
    for (path, operations) in paths {
        let concrete = path.replace("{model}", "any").replace("{version}", "1");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let head =
                format!("{method} {concrete} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n");
            let answer = ask(server.port, &head, b"");
            let operation: &Value = &operations[method.to_lowercase()];
            if operation.is_null() {
                answer.error(405);
                let allowed = answer.head.split("allow: ").nth(1).expect(path);
                let allowed = allowed.split("\r\n").next().unwrap();
                for method in operations.as_object().unwrap().keys() {
                    assert!(
                        allowed.split(',').any(|allowed| allowed == method),
                        "{path}: {allowed}"
                    );
                }
                continue;
            }
            let status = answer.status.to_string();
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key(&status), "{method} {path}: {status}");
            assert_ne!(answer.status, 404, "{method} {path}");
        }
    }
}

#[test]
fn before_the_model_is_there_its_paths_say_so() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    for path in ["/v2/models/any", "/v2/models/any/config"] {
        server.get(path).error(503);
    }
    for path in ["/v2/models/any/ready", "/v1/models/any", "/v2/health/ready"] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, &answer.json()["ready"]),
            (503, &Value::Bool(false))
        );
    }
    let json = "application/json";
    for path in ["/v2/models/any/infer", "/v1/models/any:predict", "/predict"] {
        server.post(path, json, &vec![b' '; 1 << 20]).error(503);
    }
    assert_eq!(
        server.post("/v2/repository/index", json, b"").json(),
        Value::Array(vec![])
    );
}
