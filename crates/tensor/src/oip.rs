//! The JSON of tensors in requests and answers of the
//! [Open Inference Protocol](https://github.com/kserve/open-inference-protocol), with the binary
//! tensor data extension.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::{self, Elements, StringEncoding};
use crate::tensor::element_count;
use crate::{DataType, Tensor};

/// A tensor of a request (`$request_input`), as it is written.
#[derive(Debug, Deserialize)]
pub struct RequestInput<'a> {
    /// The tensor's name.
    pub name: String,
    datatype: String,
    shape: Vec<i64>,
    parameters: Option<InputParameters>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct InputParameters {
    binary_data_size: Option<u64>,
    shared_memory_region: Option<String>,
}

/// A tensor of a request whose elements have not been read.
#[derive(Debug)]
pub struct UnreadTensor<'a> {
    name: String,
    datatype: DataType,
    shape: Vec<usize>,
    elements: UnreadElements<'a>,
}

#[derive(Debug)]
enum UnreadElements<'a> {
    List(&'a RawValue),
    Binary(Bytes),
}

impl<'a> RequestInput<'a> {
    /// Checks everything but the elements. `binary` is what follows the JSON and the tensors
    /// before; this one's binary data is taken from it.
    ///
    /// # Errors
    /// In words, without the tensor's name.
    pub fn check(self, binary: &mut Bytes) -> Result<UnreadTensor<'a>, String> {
        let Ok(datatype) = self.datatype.parse() else {
            let name = self.datatype;
            return Err(format!("there is no datatype `{name}`; FP32 is one"));
        };
        let lengths = self.shape.iter().map(|length| usize::try_from(*length));
        let shape = lengths
            .collect::<Result<_, _>>()
            .map_err(|_| format!("the shape {:?} is none", self.shape))?;
        let parameters = self.parameters.as_ref();
        if parameters.is_some_and(|parameters| parameters.shared_memory_region.is_some()) {
            return Err("shared memory is not offered".into());
        }
        let size = parameters.and_then(|parameters| parameters.binary_data_size);
        let elements = match (self.data, size) {
            (Some(list), None) => UnreadElements::List(list),
            (None, Some(size)) => UnreadElements::Binary(take(binary, size)?),
            (Some(_), Some(_)) => return Err("it has both `data` and `binary_data_size`".into()),
            (None, None) => {
                return Err("it has neither `data` nor the parameter `binary_data_size`".into());
            }
        };
        Ok(UnreadTensor {
            name: self.name,
            datatype,
            shape,
            elements,
        })
    }
}

/// The first `size` bytes of what follows the JSON.
fn take(binary: &mut Bytes, size: u64) -> Result<Bytes, String> {
    let length = usize::try_from(size).ok();
    let length = length.filter(|length| *length <= binary.len());
    let length = length.ok_or_else(|| {
        format!(
            "`binary_data_size` is {size}, and {} bytes are left after the JSON and the inputs \
             before; Inference-Header-Content-Length says where the JSON ends",
            binary.len()
        )
    })?;
    Ok(binary.split_to(length))
}

impl UnreadTensor<'_> {
    /// Axes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the elements are a list in the JSON.
    pub fn is_list(&self) -> bool {
        matches!(self.elements, UnreadElements::List(_))
    }

    /// How many bytes reading takes at most; binary data is there already.
    pub fn max_bytes(&self) -> usize {
        match self.elements {
            UnreadElements::List(list) => json::max_bytes(list, self.datatype),
            UnreadElements::Binary(_) => 0,
        }
    }

    /// Reads the elements. Strings that are no base64, where that is the encoding, are empty in the
    /// tensor; they are given by their place, with the reason.
    ///
    /// # Errors
    /// In words, where a list is not of the tensor's type and shape.
    pub fn read(self, encoding: StringEncoding) -> Result<(Tensor, Vec<(usize, String)>), String> {
        let (datatype, shape) = (self.datatype, self.shape);
        let (data, invalid) = match self.elements {
            UnreadElements::Binary(data) => (data, Vec::new()),
            UnreadElements::List(list) => {
                let max_elements = element_count(&shape).unwrap_or(usize::MAX);
                let list = json::read(list, datatype, encoding, max_elements)?;
                if !list.fits(&shape) {
                    return Err(format!(
                        "`data` is a list of the shape {:?}, and `shape` says {shape:?}",
                        list.lengths
                    ));
                }
                (list.data.into(), list.invalid)
            }
        };
        let tensor = Tensor {
            name: self.name,
            datatype,
            shape,
            data,
        };
        Ok((tensor, invalid))
    }
}

/// A tensor of an answer (`$response_output`).
#[derive(Debug, Serialize)]
pub struct ResponseOutput<'a> {
    name: &'a str,
    datatype: DataType,
    shape: &'a [usize],
    #[serde(flatten)]
    elements: ResponseElements<'a>,
}

#[derive(Debug, Serialize)]
enum ResponseElements<'a> {
    #[serde(rename = "data")]
    List(Elements<'a>),
    #[serde(rename = "parameters")]
    Binary { binary_data_size: usize },
}

impl<'a> ResponseOutput<'a> {
    /// The tensor with its elements as a list, or with the size of the binary data that follows the
    /// JSON.
    pub fn new(tensor: &'a Tensor, is_binary: bool) -> Self {
        let elements = match is_binary {
            true => ResponseElements::Binary {
                binary_data_size: tensor.data.len(),
            },
            false => ResponseElements::List(Elements::flat(tensor)),
        };
        Self {
            name: &tensor.name,
            datatype: tensor.datatype,
            shape: &tensor.shape,
            elements,
        }
    }
}
