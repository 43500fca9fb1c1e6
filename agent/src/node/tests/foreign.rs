//! Services of machines that are no nodes.

use super::community::{act, founder, key, orders};
use super::world::World;
use crate::node::command::Refusal;
use crate::node::community::{CommunityAct, FOREIGN_LIMIT, Foreign, Misfit, Order};

fn printer() -> Foreign {
    Foreign {
        kind: "_ipp._tcp".to_owned(),
        title: "Printer".to_owned(),
        host: "192.0.2.7".to_owned(),
        port: 631,
        txt: [].into(),
        zone: None,
    }
}

#[test]
fn one_more_and_one_less_are_told_by_where_they_are() {
    let mut world = founder();
    let offered = |world: &World| match &orders(world)[..] {
        [Order::Offer(records)] => records.len(),
        other => panic!("{other:?}"),
    };
    act(&mut world, CommunityAct::OfferForeign(printer())).unwrap();
    assert_eq!(offered(&world), 1);
    let twice = Foreign { title: "Another".to_owned(), ..printer() };
    assert_eq!(act(&mut world, CommunityAct::OfferForeign(twice)), Err(Refusal::Already));
    let withdraw = |port| {
        let Foreign { kind, host, .. } = printer();
        CommunityAct::WithdrawForeign { kind, host, port }
    };
    assert_eq!(act(&mut world, withdraw(632)), Err(Refusal::NoSuch));
    act(&mut world, withdraw(631)).unwrap();
    assert_eq!(offered(&world), 0);
    let many = (1..=FOREIGN_LIMIT as u16).map(|port| Foreign { port, ..printer() }).collect();
    act(&mut world, CommunityAct::SetForeign(many)).unwrap();
    let more = Foreign { port: 999, ..printer() };
    assert_eq!(act(&mut world, CommunityAct::OfferForeign(more)), Err(Refusal::Full));
}

#[test]
fn all_that_is_wrong_with_a_service_of_another_machine_is_told_at_once() {
    let wrong = Foreign {
        kind: "ipp".to_owned(),
        title: "a\u{202e}b".to_owned(),
        host: "not a name".to_owned(),
        port: 0,
        txt: [("a=b".to_owned(), String::new())].into(),
        zone: Some(String::new()),
    };
    let told = wrong.record(&key(1).id()).unwrap_err();
    let parts: Vec<_> = told.keys().copied().collect();
    assert_eq!(parts, ["host", "port", "title", "txt", "type", "zone"]);
    assert_eq!((&told["type"], &told["host"], &told["port"]), (&Misfit::Type, &Misfit::Host, &Misfit::Port));
    // Nothing else is blamed for a port, or a host.
    assert!(printer().record(&key(1).id()).is_ok());
    for (wrong, part) in
        [(Foreign { port: 0, ..printer() }, "port"), (Foreign { host: "1".to_owned(), ..printer() }, "host")]
    {
        assert_eq!(wrong.record(&key(1).id()).unwrap_err().into_keys().collect::<Vec<_>>(), [part]);
    }
}
