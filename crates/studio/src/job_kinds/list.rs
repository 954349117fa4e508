//! The list of the kinds of jobs that can be started, and started again after a crash.

/// Calls the macro `$define` with one entry for each kind: `Name(Parameters) -> Result;`. The
/// enums over all kinds are made from it: `JobKind` and `JobResult` in `api::job`, `JobRequest` in
/// `job_kinds::request`.
macro_rules! for_each_job_kind {
    ($define:ident) => {
        $define! {
            /// Building an archive.
            Build(BuildJob) -> Report;
            /// Building, pushing and verifying.
            Publish(PublishJob) -> Report;
            /// Verifying a published image.
            Verify(VerifyJob) -> Report;
        }
    };
}

pub(crate) use for_each_job_kind;
