//! The pickle machine, as far as tensors need it.

use crate::DataType;

/// Most values that a pickle may make.
const MAX_VALUES: usize = 1 << 20;
/// Most values that a mark may lie over, of a tensor's shape among others.
const MAX_AXES: usize = 64;
/// Most tensors of a file.
const MAX_TENSORS: usize = 4096;

/// A tensor that lies in a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredTensor {
    /// The storage's entry.
    pub storage: String,
    pub datatype: DataType,
    /// The first element's place in the storage.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// Elements from one to the next along each axis.
    pub stride: Vec<usize>,
}

/// Where a value lies in [`Machine::values`]: a pickle can name a value many times.
type Place = usize;

#[derive(Debug, Clone)]
enum Value {
    Nothing,
    Bool,
    Int(i64),
    Text(String),
    /// A class or a function, by its module and name.
    Global(String),
    Tuple(Vec<Place>),
    List(Vec<Place>),
    Dict(Vec<(Place, Place)>),
    Storage(String, DataType),
    Tensor(StoredTensor),
}

/// Runs one pickle.
pub(super) struct Machine<'a> {
    rest: &'a [u8],
    values: Vec<Value>,
    stack: Vec<Place>,
    marks: Vec<usize>,
    memo: std::collections::HashMap<u64, Place>,
}

type Step<T = ()> = Result<T, String>;

fn cut_off() -> String {
    "The .pt file is damaged: its pickle ends too early.".to_owned()
}

fn refused(what: &str) -> String {
    format!(
        "The .pt file holds {what}, and only tensors are read: nothing in it is run. Save the tensor \
         alone, with torch.save(tensor.cpu(), file)."
    )
}

impl<'a> Machine<'a> {
    pub fn new(program: &'a [u8]) -> Self {
        Self {
            rest: program,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: std::collections::HashMap::new(),
        }
    }

    /// The tensors of what the pickle makes, with the keys under which they stand.
    pub fn run(mut self) -> Step<Vec<(String, StoredTensor)>> {
        loop {
            let [opcode] = self.take()?;
            if opcode == b'.' {
                break;
            }
            self.step(opcode)?;
        }
        let result = self.pop()?;
        self.tensors(result)
    }

    fn tensors(&self, place: Place) -> Step<Vec<(String, StoredTensor)>> {
        let mut found = Vec::new();
        let mut waiting = vec![(String::new(), place)];
        let mut visited = 0;
        while let Some((name, place)) = waiting.pop() {
            visited += 1;
            if visited > MAX_VALUES || found.len() > MAX_TENSORS {
                return Err(refused("thousands of tensors"));
            }
            match &self.values[place] {
                Value::Tensor(tensor) => found.push((name, tensor.clone())),
                Value::List(items) | Value::Tuple(items) => {
                    waiting.extend(items.iter().rev().map(|item| (name.clone(), *item)));
                }
                Value::Dict(items) => {
                    let named = items.iter().rev().map(|(key, value)| {
                        let key = match &self.values[*key] {
                            Value::Text(key) => key.clone(),
                            _ => String::new(),
                        };
                        (key, *value)
                    });
                    waiting.extend(named);
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn step(&mut self, opcode: u8) -> Step {
        match opcode {
            0x80 => self.take::<1>().map(drop),
            0x95 => self.take::<8>().map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'N' => self.push(Value::Nothing),
            0x88 | 0x89 => self.push(Value::Bool),
            b'K' => {
                let [byte] = self.take()?;
                self.push(Value::Int(byte.into()))
            }
            b'M' => {
                let number = u16::from_le_bytes(self.take()?);
                self.push(Value::Int(number.into()))
            }
            b'J' => {
                let number = i32::from_le_bytes(self.take()?);
                self.push(Value::Int(number.into()))
            }
            0x8a => self.long(),
            b'G' => {
                self.take::<8>()?;
                self.push(Value::Nothing)
            }
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.text(u64::from(length))
            }
            0x8c => {
                let [length] = self.take()?;
                self.text(length.into())
            }
            b'c' | 0x93 => self.global(opcode),
            b'q' | b'r' | b'h' | b'j' | 0x94 => self.memory(opcode),
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let from = self.stack.len().checked_sub(count).ok_or_else(cut_off)?;
                let items = self.stack.split_off(from);
                self.push(Value::Tuple(items))
            }
            b't' => {
                let items = self.marked()?;
                self.push(Value::Tuple(items))
            }
            b'a' | b'e' | b's' | b'u' => self.fill(opcode),
            b'Q' => self.storage(),
            b'R' => self.call(),
            // The state of an ordered dictionary, or of a parameter: nothing that tensors need.
            b'b' => self.pop().map(drop),
            b'0' => self.pop().map(drop),
            other => Err(refused(&format!("the pickle opcode 0x{other:02x}"))),
        }
    }

    fn take<const N: usize>(&mut self) -> Step<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn bytes(&mut self, length: u64) -> Step<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| cut_off())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn line(&mut self) -> Step<&'a str> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(cut_off)?;
        let line = self.bytes(end as u64)?;
        self.take::<1>()?;
        std::str::from_utf8(line).map_err(|_| cut_off())
    }

    fn push(&mut self, value: Value) -> Step {
        if self.values.len() >= MAX_VALUES {
            return Err(refused("millions of values"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Step<Place> {
        self.stack.pop().ok_or_else(cut_off)
    }

    fn marked(&mut self) -> Step<Vec<Place>> {
        let mark = self.marks.pop().ok_or_else(cut_off)?;
        match mark <= self.stack.len() {
            true => Ok(self.stack.split_off(mark)),
            false => Err(cut_off()),
        }
    }

    fn text(&mut self, length: u64) -> Step {
        let text = std::str::from_utf8(self.bytes(length)?).map_err(|_| cut_off())?;
        self.push(Value::Text(text.to_owned()))
    }

    fn long(&mut self) -> Step {
        let [length] = self.take()?;
        let bytes = self.bytes(length.into())?;
        if bytes.len() > 8 {
            return Err(refused("a number of more than 64 bits"));
        }
        let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let mut number = [if negative { 0xff } else { 0 }; 8];
        number[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(number)))
    }

    fn global(&mut self, opcode: u8) -> Step {
        let name = match opcode {
            b'c' => format!("{}.{}", self.line()?, self.line()?),
            _ => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.values[module], &self.values[name]) {
                    (Value::Text(module), Value::Text(name)) => format!("{module}.{name}"),
                    _ => return Err(cut_off()),
                }
            }
        };
        self.push(Value::Global(name))
    }

    fn memory(&mut self, opcode: u8) -> Step {
        let key = match opcode {
            b'q' | b'h' => u64::from(self.take::<1>()?[0]),
            b'r' | b'j' => u64::from(u32::from_le_bytes(self.take()?)),
            _ => self.memo.len() as u64,
        };
        if matches!(opcode, b'h' | b'j') {
            let place = *self.memo.get(&key).ok_or_else(cut_off)?;
            self.stack.push(place);
            return Ok(());
        }
        let top = *self.stack.last().ok_or_else(cut_off)?;
        self.memo.insert(key, top);
        Ok(())
    }

    /// Adds items to the list or dictionary below them.
    fn fill(&mut self, opcode: u8) -> Step {
        let items = match opcode {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.marked()?,
        };
        let into = *self.stack.last().ok_or_else(cut_off)?;
        match &mut self.values[into] {
            Value::List(list) => list.extend(items),
            Value::Dict(dict) => {
                let (pairs, _) = items.as_chunks::<2>();
                dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            _ => return Err(cut_off()),
        }
        Ok(())
    }

    /// A persistent id: `("storage", class, entry, device, length)`.
    fn storage(&mut self) -> Step {
        let id = self.pop()?;
        let Value::Tuple(parts) = &self.values[id] else {
            return Err(refused("a reference to something outside"));
        };
        let part = |index: usize| parts.get(index).map(|place| &self.values[*place]);
        let (Some(Value::Global(class)), Some(Value::Text(entry))) = (part(1), part(2)) else {
            return Err(refused("a reference to something outside"));
        };
        let datatype = datatype(class).ok_or_else(|| refused(&format!("a `{class}`")))?;
        let storage = Value::Storage(entry.clone(), datatype);
        self.push(storage)
    }

    fn call(&mut self) -> Step {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let (Value::Global(name), Value::Tuple(arguments)) =
            (&self.values[callable], &self.values[arguments])
        else {
            return Err(refused("a call of what is no function"));
        };
        match name.as_str() {
            "torch._utils._rebuild_tensor_v2" => {
                let tensor = self.tensor(arguments)?;
                self.push(Value::Tensor(tensor))
            }
            "torch._utils._rebuild_parameter" => {
                let data = *arguments.first().ok_or_else(cut_off)?;
                self.stack.push(data);
                Ok(())
            }
            "collections.OrderedDict" => self.push(Value::Dict(Vec::new())),
            "torch.Size" | "torch.device" | "torch.serialization._get_layout" => {
                self.push(Value::Nothing)
            }
            other => Err(refused(&format!("a call of `{other}`"))),
        }
    }

    fn tensor(&self, arguments: &[Place]) -> Step<StoredTensor> {
        let [storage, offset, shape, stride, ..] = arguments else {
            return Err(cut_off());
        };
        let Value::Storage(storage, datatype) = &self.values[*storage] else {
            return Err(refused("a tensor without a storage"));
        };
        let (shape, stride) = (self.lengths(*shape)?, self.lengths(*stride)?);
        if shape.len() != stride.len() {
            return Err(cut_off());
        }
        Ok(StoredTensor {
            storage: storage.clone(),
            datatype: *datatype,
            offset: self.length(*offset)?,
            shape,
            stride,
        })
    }

    fn lengths(&self, place: Place) -> Step<Vec<usize>> {
        match &self.values[place] {
            Value::Tuple(items) if items.len() <= MAX_AXES => {
                items.iter().map(|item| self.length(*item)).collect()
            }
            _ => Err(cut_off()),
        }
    }

    fn length(&self, place: Place) -> Step<usize> {
        match self.values[place] {
            Value::Int(number) => usize::try_from(number).map_err(|_| cut_off()),
            _ => Err(cut_off()),
        }
    }
}

fn datatype(class: &str) -> Option<DataType> {
    Some(match class.strip_prefix("torch.")? {
        "FloatStorage" => DataType::Fp32,
        "DoubleStorage" => DataType::Fp64,
        "HalfStorage" => DataType::Fp16,
        "BFloat16Storage" => DataType::Bf16,
        "ByteStorage" => DataType::Uint8,
        "CharStorage" => DataType::Int8,
        "ShortStorage" => DataType::Int16,
        "IntStorage" => DataType::Int32,
        "LongStorage" => DataType::Int64,
        "BoolStorage" => DataType::Bool,
        _ => return None,
    })
}
