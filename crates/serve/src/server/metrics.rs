//! What is counted and measured.

use std::time::Duration;

use boxwright_model::prediction::Timing;

/// The server's figures.
#[derive(Debug, Default)]
pub struct Metrics {}

impl Metrics {
    /// So many rows wait now.
    pub fn queue_holds(&self, _rows: usize) {}

    /// A batch of `rows` ran, whose pieces had waited so long.
    pub fn batch_ran(&self, _rows: usize, _waits: &[Duration], _timing: &Timing) {}
}
