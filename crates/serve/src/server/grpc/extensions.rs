//! What the layers before a service attach to each of its requests.

use tonic::Extensions;

use crate::server::problem::Problem;

/// An attached value.
///
/// # Errors
/// Never: the layers attach it to every request that is passed on.
pub fn extension<T: Send + Sync + 'static>(extensions: &Extensions) -> Result<&T, Problem> {
    extensions.get().ok_or_else(Problem::internal)
}
