use axum::response::Response;

use super::metered_body::MeteredBody;
use super::*;
use crate::server::problem::Kind;

const MIB: usize = 1 << 20;

async fn read(body: Body) -> Result<usize, axum::Error> {
    axum::body::to_bytes(body, usize::MAX)
        .await
        .map(|bytes| bytes.len())
}

fn chunks(count: usize) -> Body {
    let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![0; MIB]));
    Body::from_stream(futures_util::stream::iter((0..count).map(move |_| chunk())))
}

#[tokio::test]
async fn bodies_together_never_hold_more_than_the_budget_and_give_it_back() {
    let budget = MemoryBudget::new(4 * MIB, 3 * MIB);
    let one = budget.reservation();
    one.reserve_body(3 * MIB as u64).unwrap();
    let other = budget.reservation();
    assert_eq!(
        other.reserve_body(2 * MIB as u64).unwrap_err().kind,
        Kind::Busy
    );
    let (body, unread) = MeteredBody::around(chunks(2), budget.reservation(), false);
    read(body).await.unwrap_err();
    assert_eq!(
        read(unread.take().unwrap().body).await.unwrap(),
        0,
        "the second chunk overflowed"
    );
    assert_eq!(budget.reserved(), 3 * MIB);
    let kept = one.attach(Bytes::from_static(b"body")).slice(1..3);
    drop(one);
    assert_eq!(
        (&kept[..], budget.reserved()),
        (&b"od"[..], 3 * MIB),
        "somebody still works on it"
    );
    drop(kept);
    assert_eq!(budget.reserved(), 0);
    other.reserve_body(2 * MIB as u64).unwrap();
    let small = budget.reservation();
    small.reserve(1).unwrap();
    assert_eq!(other.reserve(2 * MIB).unwrap_err().kind, Kind::Busy);
    drop(small);
    other.reserve(2 * MIB).unwrap();
    other
        .reserve(9 * MIB)
        .expect("alone it may hold what it must");
    assert_eq!(
        budget.reservation().reserve(1).unwrap_err().kind,
        Kind::Busy
    );
}

#[tokio::test]
async fn an_answer_is_held_until_it_is_sent() {
    let budget = MemoryBudget::new(4 * MIB, 3 * MIB);
    let answer = |length| {
        budget
            .reservation()
            .attach_to_response(Response::new(Body::from(vec![0; length])))
    };
    let small = answer(100).unwrap();
    assert_eq!(budget.reserved(), 0);
    let large = answer(3 * MIB).unwrap();
    assert_eq!(answer(2 * MIB).unwrap_err().kind, Kind::Busy);
    let bytes = axum::body::to_bytes(large.into_body(), usize::MAX)
        .await
        .unwrap();
    assert_eq!((bytes.len(), budget.reserved()), (3 * MIB, 3 * MIB));
    drop(bytes);
    assert_eq!(budget.reserved(), 0);
    drop(small);
}

#[tokio::test]
async fn a_body_counts_once_whether_announced_or_not() {
    let budget = MemoryBudget::new(4 * MIB, 3 * MIB);
    let reservation = budget.reservation();
    reservation.reserve_body(2 * MIB as u64).unwrap();
    let (body, _) = MeteredBody::around(chunks(2), reservation.clone(), false);
    read(body).await.unwrap();
    assert_eq!(budget.reserved(), 2 * MIB);
    // What is refused for its length is thrown away while it is read.
    let (body, unread) = MeteredBody::around(chunks(9), budget.reservation(), false);
    assert!(read(body).await.is_err() && unread.take().unwrap().over_budget);
    drop(reservation);
    let (body, unread) = MeteredBody::around(chunks(9), budget.reservation(), false);
    assert_eq!(read(body).await.unwrap(), 9 * MIB);
    assert!(!unread.take().is_some_and(|rest| rest.over_budget));
}

#[tokio::test]
async fn of_a_stream_of_messages_the_one_that_arrives_is_held_from_its_first_bytes_on() {
    let budget = MemoryBudget::new(4 * MIB, 3 * MIB);
    let message = |length: usize| {
        let prefix = [&[0], &(length as u32).to_be_bytes()[..]].concat();
        [prefix, vec![0; length]].concat()
    };
    let bytes = [
        message(2 * MIB),
        message(0),
        message(PERMIT_BYTES),
        message(4 * MIB),
    ]
    .concat();
    // Cut so that the prefixes are, too.
    let (first, rest) = bytes.split_at(3);
    let (second, rest) = rest.split_at(10);
    let (third, rest) = rest.split_at(2 * MIB + 2);
    let parts = [first, second, third, rest].map(|part| Ok::<_, std::io::Error>(part.to_vec()));
    let body = Body::from_stream(futures_util::stream::iter(parts));
    let (body, unread) = MeteredBody::around(body, budget.reservation(), true);
    let mut body = std::pin::pin!(body);
    // The last is too long, and is refused by whoever reads it.
    for held in [0, 2 * MIB, PERMIT_BYTES, 3 * MIB] {
        let frame = std::future::poll_fn(|context| body.as_mut().poll_frame(context));
        frame.await.unwrap().unwrap();
        assert_eq!(budget.reserved(), held);
    }
    assert!(!unread.take().is_some_and(|rest| rest.over_budget));
}
