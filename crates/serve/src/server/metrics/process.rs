//! Metrics of the process, under the names that Prometheus's clients share
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Reads the process's metrics at every scrape.
#[derive(Debug)]
pub struct Process {
    started: f64,
}

/// What `/proc` says of this process, in the units of Prometheus: seconds and bytes.
#[derive(Debug, Default)]
struct ProcessStat {
    cpu: f64,
    threads: f64,
    virtual_memory: f64,
    resident_memory: f64,
    open_files: f64,
    max_files: f64,
}

impl Process {
    /// Takes this moment for the start of the process.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: now.map_or(0.0, |since| since.as_secs_f64()),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge(
            "process_start_time_seconds",
            "Start time of the process in seconds since the Unix epoch",
            self.started,
        )?;
        let Some(stat) = ProcessStat::read() else {
            return Ok(());
        };
        gauge(
            "process_resident_memory_bytes",
            "Resident memory",
            stat.resident_memory,
        )?;
        gauge(
            "process_virtual_memory_bytes",
            "Virtual memory",
            stat.virtual_memory,
        )?;
        gauge("process_threads", "Threads", stat.threads)?;
        gauge("process_open_fds", "Open file descriptors", stat.open_files)?;
        gauge(
            "process_max_fds",
            "Maximum number of open file descriptors",
            stat.max_files,
        )?;
        let cpu = ConstCounter::new(stat.cpu);
        let help = "Total user and system CPU time";
        cpu.encode(encoder.encode_descriptor(
            "process_cpu_seconds",
            help,
            None,
            cpu.metric_type(),
        )?)
    }
}

impl ProcessStat {
    /// `None` where the system has no `/proc`.
    #[cfg(target_os = "linux")]
    fn read() -> Option<Self> {
        use rustix::param::{clock_ticks_per_second, page_size};
        use rustix::process::{Resource, getrlimit};

        let text = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The program's name, in parentheses, may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        // Numbered from 1 in proc(5), where the first after the name is field 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let max = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Some(Self {
            cpu: (field(14)? + field(15)?) / clock_ticks_per_second() as f64,
            threads: field(20)?,
            virtual_memory: field(23)?,
            resident_memory: field(24)? * page_size() as f64,
            open_files: files as f64,
            max_files: max as f64,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn read() -> Option<Self> {
        None
    }
}
