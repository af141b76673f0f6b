//! Join and leave, as stories.

mod world;

use counterpoint_controller::Outcome;
use world::{DAY, World};

#[test]
fn beta_joins_alpha_then_alpha_leaves() {
    let mut world = World::new();
    world.join("beta");
    assert!(world.finish(10 * DAY), "{}", world.story());
    println!("{}", world.story());
    assert_eq!(world.outcome().0, Outcome::Done);
    world.leave("alpha", false);
    assert!(world.finish(10 * DAY), "{}", world.story());
    println!("{}", world.story());
    println!(
        "{} questions, {} outputs",
        world.controller.as_ref().unwrap().sent(),
        world.outputs
    );
    assert_eq!(world.outcome().0, Outcome::Done);
}
