//! The model's own tensors, without the pipeline: checked against the signature, run together with
//! others, taken apart again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]
#![allow(clippy::too_many_lines, reason = "a test holds a table of cases")]

mod support;

use boxwright_predict::{Options, Predictor};
use boxwright_tensor::{BatchAxis, DataType, Tensor};

const ROW: usize = 3 * 224 * 224;

/// `rows` pictures of noise that follows from `seed`.
fn noise(rows: usize, seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut number = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    let data: Vec<u8> = (0..rows * ROW)
        .flat_map(|_| number().to_le_bytes())
        .collect();
    Tensor {
        name: "images".into(),
        datatype: DataType::Fp32,
        shape: vec![rows, 3, 224, 224],
        data: data.into(),
    }
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor
        .data
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

fn alone(predictor: &Predictor, input: Tensor) -> Tensor {
    let batches = predictor.check_tensors(vec![input], &[], 64).unwrap();
    let (mut results, _) = predictor.run_tensors(&[&batches[0]], true);
    results.remove(0).unwrap().remove(0)
}

#[track_caller]
fn close(one: &Tensor, other: &Tensor) {
    assert_eq!(one.shape, other.shape);
    for (a, b) in floats(one).into_iter().zip(floats(other)) {
        assert!((a - b).abs() < 1e-3, "{a} against {b}");
    }
}

#[test]
fn tensors_of_several_callers_run_together_and_are_taken_apart_again() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    assert_eq!(predictor.batch_axis(), BatchAxis::Dynamic);
    let inputs = [noise(1, 1), noise(3, 2), noise(2, 3)];
    let batches: Vec<_> = inputs
        .iter()
        .map(|input| {
            predictor
                .check_tensors(vec![input.clone()], &[], 8)
                .unwrap()
                .remove(0)
        })
        .collect();
    assert!(batches.iter().all(|batch| batches[0].joins(batch)));
    let (results, timing) = predictor.run_tensors(&batches.iter().collect::<Vec<_>>(), false);
    assert!(timing.infer_ms > 0.0);
    for (input, result) in inputs.into_iter().zip(results) {
        let result = result.unwrap().remove(0);
        assert_eq!(result.shape, [input.shape[0], 1000]);
        close(&result, &alone(&predictor, input));
    }
}

#[test]
fn more_rows_than_a_batch_holds_are_cut_into_pieces_and_joined_again() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    let input = noise(5, 7);
    let pieces = predictor
        .check_tensors(vec![input.clone()], &[], 2)
        .unwrap();
    assert_eq!(
        pieces.iter().map(|piece| piece.rows()).collect::<Vec<_>>(),
        [2, 2, 1]
    );
    let outputs: Vec<_> = pieces
        .iter()
        .map(|piece| predictor.run_tensors(&[piece], true).0.remove(0).unwrap())
        .collect();
    let joined = Predictor::join_outputs(outputs).unwrap().remove(0);
    close(&joined, &alone(&predictor, input));
}

#[test]
fn a_tensor_that_does_not_fit_is_refused_by_name() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    let refusal = |inputs: Vec<Tensor>, outputs: &[&str]| {
        let outputs: Vec<String> = outputs.iter().map(|&output| output.into()).collect();
        predictor
            .check_tensors(inputs, &outputs, 8)
            .unwrap_err()
            .to_string()
    };
    let good = noise(1, 1);
    let renamed = Tensor {
        name: "image".into(),
        ..good.clone()
    };
    let narrow = Tensor {
        shape: vec![1, 3, 224, 223],
        ..good.clone()
    };
    let flat = Tensor {
        shape: vec![ROW],
        ..good.clone()
    };
    let short = Tensor {
        data: good.data.slice(4..),
        ..good.clone()
    };
    let none = Tensor {
        shape: vec![0, 3, 224, 224],
        data: Vec::new().into(),
        ..good.clone()
    };
    let huge = Tensor {
        shape: vec![usize::MAX, 3, 224, 224],
        ..good.clone()
    };
    let whole = Tensor {
        datatype: DataType::Int32,
        ..good.clone()
    };
    for (inputs, outputs, said) in [
        (vec![], &[][..], "input `images` is missing"),
        (vec![renamed], &[], "input `images` is missing"),
        (
            vec![good.clone(), good.clone()],
            &[],
            "`images` is there twice",
        ),
        (vec![narrow], &[], "`images` has the shape [1, 3, 224, 223]"),
        (vec![flat], &[], "`images` has the shape [150528]"),
        (vec![short], &[], "`images` has 602108 bytes"),
        (vec![none], &[], "holds no elements"),
        (vec![huge], &[], "holds no elements"),
        (
            vec![whole],
            &[],
            "`images` is INT32, and the model takes FP32",
        ),
        (vec![good], &["other"], "no output `other`; it has `logits`"),
    ] {
        let refusal = refusal(inputs, outputs);
        assert!(refusal.contains(said), "{refusal:?} does not say {said:?}");
    }
}

#[test]
fn runs_that_are_alone_give_what_the_others_give() {
    let Some(library) = support::library() else {
        return;
    };
    let (served, concurrency) =
        Predictor::load_to_serve(support::sample(), &Options::new(&library)).unwrap();
    assert!(concurrency.concurrent_runs >= 1 && concurrency.single_run_threads >= 1);
    let other = support::load(library);
    close(&alone(&other, noise(1, 9)), &alone(&served, noise(1, 9)));
}

#[test]
fn strings_are_counted() {
    let texts = Tensor::of_strings("words", vec![3], &["", "one", "two words"]).unwrap();
    let read = texts.strings().unwrap();
    assert_eq!(read, ["", "one", "two words"].map(bytes::Bytes::from));
    let short = Tensor {
        data: texts.data.slice(..texts.data.len() - 1),
        ..texts.clone()
    };
    assert_eq!(short.strings(), None);
    let uncounted = Tensor {
        shape: vec![2],
        ..texts
    };
    assert_eq!(uncounted.strings(), None);
}
