//! ONNX Runtime: one library a process, one session a model, run from many threads at once.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::Mutex;

use boxwright_tensor::{DataType, Dimension, Signature, TensorSpec};
use ort::AsPointer;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{DynValue, Outlet, TensorElementType, ValueType};

use super::threads::IntraOpThreads;
use crate::error::{Error, Result};

/// The library and the environment; a process can have one of each, for good.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

fn environment(library: &Path) -> Result<Environment> {
    let failed = |reason: String| Error::Library {
        path: library.to_path_buf(),
        reason,
    };
    let path = library
        .canonicalize()
        .map_err(|error| failed(error.to_string()))?;
    let mut loaded = LOADED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((other, environment)) = &*loaded {
        return if *other == path {
            Ok(environment.clone())
        } else {
            Err(failed(format!(
                "this process has already loaded {}",
                other.display()
            )))
        };
    }
    let environment = ort::init_from(&path)
        .map_err(|error| failed(error.to_string()))?
        .with_name("boxwright")
        .with_telemetry(false)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    environment.set_log_level(LogLevel::Error);
    *loaded = Some((path, environment.clone()));
    Ok(environment)
}

/// The version of ONNX Runtime's shared library, such as `1.30.0`; loads it for good.
///
/// # Errors
/// [`Error::Library`] where the library can't be loaded, is too old, or another one is loaded.
#[expect(unsafe_code, reason = "ort keeps the version to itself")]
pub fn runtime_version(library: &Path) -> Result<String> {
    type Base = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;
    environment(library)?;
    let failed = |error: libloading::Error| Error::Library {
        path: library.to_path_buf(),
        reason: error.to_string(),
    };
    // SAFETY: the library is loaded already, so that none of its code runs here; the function has
    // the type that ONNX Runtime's header gives it, and its answers live as long as the library,
    // which is never unloaded.
    unsafe {
        let library = libloading::Library::new(library).map_err(failed)?;
        let base = library.get::<Base>(b"OrtGetApiBase").map_err(failed)?();
        Ok(CStr::from_ptr(((*base).GetVersionString)())
            .to_string_lossy()
            .into_owned())
    }
}

/// A model that ONNX Runtime has loaded for the CPU.
#[derive(Debug)]
pub(crate) struct Session {
    session: ort::session::Session,
    /// Inputs and tensor outputs.
    pub signature: Signature,
    inputs: Vec<CString>,
    outputs: Vec<CString>,
    threads: IntraOpThreads,
}

impl Session {
    /// Loads a model file; its external data is found beside it. A run takes `threads` threads.
    pub fn load(library: &Path, model: &Path, threads: usize) -> Result<Self> {
        let environment = environment(library)?;
        let failed = |error: &dyn std::fmt::Display| Error::Model {
            path: model.into(),
            reason: one_line(error),
        };
        let intra_op = IntraOpThreads::default();
        let session = ort::session::Session::builder(&environment)
            .and_then(|builder| Ok(builder.with_intra_threads(threads)?))
            // In a run, to wake a thread for every operator would cost a third of the time; between
            // runs, threads that spin would take the cores from others.
            .and_then(|builder| Ok(builder.with_intra_op_spinning(threads > 1)?))
            .and_then(|builder| Ok(builder.with_config_entry("session.force_spinning_stop", "1")?))
            .and_then(|builder| Ok(builder.with_thread_manager(intra_op.clone())?))
            .and_then(|builder| Ok(builder.with_inter_threads(1)?))
            .and_then(|builder| Ok(builder.with_optimization_level(GraphOptimizationLevel::All)?))
            .and_then(|mut builder| builder.commit_from_file(model))
            .map_err(|error| failed(&error))?;
        let inputs = session
            .inputs()
            .iter()
            .map(spec)
            .collect::<Result<Option<Vec<_>>>>()?;
        let inputs = inputs.ok_or_else(|| Error::Unsupported {
            reason: format!("{} takes sequences or maps, not tensors", model.display()),
            hint: "Export the model with tensor inputs.".into(),
        })?;
        let outputs: Vec<TensorSpec> = session
            .outputs()
            .iter()
            .filter_map(|outlet| spec(outlet).transpose())
            .collect::<Result<_>>()?;
        if inputs.is_empty() || outputs.is_empty() {
            return Err(Error::Unsupported {
                reason: format!(
                    "{} has no tensor input or no tensor output",
                    model.display()
                ),
                hint: "Export the model with tensors (for scikit-learn: zipmap=False).".into(),
            });
        }
        let names = |specs: &[TensorSpec]| -> Result<Vec<CString>> {
            let name = |spec: &TensorSpec| CString::new(spec.name.as_str());
            specs
                .iter()
                .map(name)
                .collect::<Result<_, _>>()
                .map_err(|error| failed(&error))
        };
        Ok(Self {
            inputs: names(&inputs)?,
            outputs: names(&outputs)?,
            signature: Signature { inputs, outputs },
            session,
            threads: intra_op,
        })
    }

    /// Runs the model on its `inputs`, in the signature's order, and gives the wanted `outputs`, by
    /// their places in the signature. Several threads may do so at once.
    #[expect(
        unsafe_code,
        reason = "ort's own `run` takes the session for itself alone"
    )]
    pub fn run(&self, inputs: &[&DynValue], outputs: &[usize]) -> Result<Vec<DynValue>> {
        let input_names: Vec<_> = self.inputs.iter().map(|name| name.as_ptr()).collect();
        let input_values: Vec<_> = inputs.iter().map(|value| value.ptr()).collect();
        if input_names.len() != input_values.len() {
            return Err(Error::Shape(format!(
                "the model takes {} inputs, and {} were given",
                input_names.len(),
                input_values.len()
            )));
        }
        let names: Vec<_> = outputs
            .iter()
            .map(|output| self.outputs[*output].as_ptr())
            .collect();
        let mut values = vec![ptr::null_mut(); names.len()];
        self.threads.keep_off_this_core();
        // SAFETY: every pointer is alive during the call, every length is that of its array, and
        // the strings end in 0. ONNX Runtime allows concurrent runs of a session on its CPU
        // provider, the only one that is used here: a run's state is its own, and the session is
        // only read.
        let status = unsafe {
            (ort::api().Run)(
                self.session.ptr().cast_mut(),
                ptr::null(),
                input_names.as_ptr(),
                input_values.as_ptr(),
                input_values.len(),
                names.as_ptr(),
                names.len(),
                values.as_mut_ptr(),
            )
        };
        // SAFETY: the status comes from ONNX Runtime and is taken once.
        unsafe { ort::Error::result_from_status(status) }
            .map_err(|error| Error::Run(one_line(&error)))?;
        let allocator = self.session.allocator();
        values
            .into_iter()
            .map(|value| {
                let value = NonNull::new(value)
                    .ok_or_else(|| Error::Run("an output has no value".into()))?;
                // SAFETY: the run succeeded, so that the value is a tensor of ours to release;
                // the CPU's allocator made it.
                Ok(unsafe { DynValue::from_ptr(value, Some(allocator)) })
            })
            .collect()
    }
}

/// The library's messages span lines.
fn one_line(error: &dyn std::fmt::Display) -> String {
    error
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// `None` for what is no tensor.
fn spec(outlet: &Outlet) -> Result<Option<TensorSpec>> {
    let ValueType::Tensor {
        ty,
        shape,
        dimension_symbols,
    } = outlet.dtype()
    else {
        return Ok(None);
    };
    let datatype = datatype(*ty).ok_or_else(|| Error::Unsupported {
        reason: format!("the tensor `{}` has elements of {ty}", outlet.name()),
        hint: "Export the model with inputs and outputs of ordinary element types.".into(),
    })?;
    let axes = shape
        .iter()
        .zip(dimension_symbols.iter())
        .map(|(length, symbol)| {
            u64::try_from(*length)
                .map_or_else(|_| Dimension::Dynamic(symbol.clone()), Dimension::Fixed)
        });
    Ok(Some(TensorSpec {
        name: outlet.name().into(),
        datatype,
        shape: Some(axes.collect()),
    }))
}

/// The element type's name in the Open Inference Protocol.
pub(crate) fn datatype(element: TensorElementType) -> Option<DataType> {
    Some(match element {
        TensorElementType::Bool => DataType::Bool,
        TensorElementType::Int8 => DataType::Int8,
        TensorElementType::Int16 => DataType::Int16,
        TensorElementType::Int32 => DataType::Int32,
        TensorElementType::Int64 => DataType::Int64,
        TensorElementType::Uint8 => DataType::Uint8,
        TensorElementType::Uint16 => DataType::Uint16,
        TensorElementType::Uint32 => DataType::Uint32,
        TensorElementType::Uint64 => DataType::Uint64,
        TensorElementType::Float16 => DataType::Fp16,
        TensorElementType::Bfloat16 => DataType::Bf16,
        TensorElementType::Float32 => DataType::Fp32,
        TensorElementType::Float64 => DataType::Fp64,
        TensorElementType::String => DataType::Bytes,
        _ => return None,
    })
}
