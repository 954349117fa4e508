use super::*;

async fn page(metrics: &Metrics) -> String {
    let response = metrics.scrape(true);
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn every_metric_has_the_name_that_dashboards_ask_for() {
    let memory = MemoryBudget::new(1 << 20, 1 << 20);
    let metrics = Arc::new(Metrics::new(512, &memory));
    let reservation = memory.reservation();
    reservation.reserve_body(8192).unwrap();
    let route = RouteLabels {
        protocol: Protocol::Http,
        method: "POST",
        path: "/v1/models/{model}".into(),
    };
    metrics.request_started();
    metrics.request_started();
    metrics.request_completed(&route, "429".into(), Some("busy"), Duration::from_millis(3));
    metrics.set_queue_depth(3);
    let timing = Timing {
        decode_ms: 4.0,
        infer_ms: 20.0,
        ..Timing::default()
    };
    metrics.batch_completed(2, &[Duration::ZERO, Duration::from_millis(30)], &timing);
    metrics.item_completed(true);
    metrics.item_completed(false);
    metrics.model_loaded(&ModelLabels {
        name: "cats".into(),
        version: "1.0".into(),
        digest: "sha256:0".into(),
        device: "cpu".into(),
        onnxruntime: "1.30".into(),
    });
    let connection = metrics.connection();
    let text = page(&metrics).await;
    for line in [
        r#"boxwright_requests_total{protocol="http",method="POST",path="/v1/models/{model}",status="429"} 1"#,
        r#"boxwright_errors_total{protocol="http",kind="busy"} 1"#,
        "boxwright_requests_in_flight 1",
        "boxwright_connections 1",
        r#"boxwright_request_duration_seconds_bucket{le="0.005",protocol="http",method="POST",path="/v1/models/{model}"} 1"#,
        "boxwright_queue_depth 3",
        "boxwright_queue_capacity 512",
        r#"boxwright_queue_wait_seconds_bucket{le="0.05"} 2"#,
        r#"boxwright_batch_size_bucket{le="2.0"} 1"#,
        r#"boxwright_stage_duration_seconds_count{stage="infer"} 1"#,
        r#"boxwright_items_total{result="error"} 1"#,
        "boxwright_body_memory_bytes 8192",
        "boxwright_body_memory_limit_bytes 1048576",
        "boxwright_ready 1",
        r#"boxwright_model_info{name="cats",version="1.0",digest="sha256:0",device="cpu",onnxruntime="1.30"} 1"#,
    ] {
        assert!(
            text.lines().any(|is| is == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(!text.contains("stage=\"preprocess\""), "{text}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.contains(&format!(
        "boxwright_build_info{{version=\"{version}\"}} 1\n"
    )));
    assert!(text.ends_with("# EOF\n"));
    drop(connection);
    assert!(page(&metrics).await.contains("boxwright_connections 0"));
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_process_has_memory_and_processor_time() {
    let text = page(&Metrics::new(1, &MemoryBudget::new(1, 1))).await;
    let value = |name: &str| -> f64 {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}"))
            .parse()
            .unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
    assert!(value("process_cpu_seconds_total") >= 0.0);
    assert!(value("process_start_time_seconds") > 1.6e9);
    assert!(value("process_open_fds") >= 3.0);
    assert!(value("process_max_fds") >= value("process_open_fds"));
    assert!(value("process_threads") >= 1.0);
}
