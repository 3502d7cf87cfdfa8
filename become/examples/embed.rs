//! A host program with heaps of its own: classes, objects, a become, collections and finalisation, in safe Rust.

use std::error::Error;

use instar_become::{HashRule, Lazy, become_forward};
use instar_gc::{Collection, GcConfig, World};
use instar_heap::{ClassSpec, Format, HeapConfig, MIB};

fn main() -> Result<(), Box<dyn Error>> {
    // A world is a heap and its collector. Make as many as you like; each thread attaches a mutator of its own.
    let heap = HeapConfig::with_limit(256 * MIB);
    let world = World::new(GcConfig { heap, workers: 2, ..GcConfig::default() })?;
    let mut mutator = world.attach();
    mutator.scope(|scope| {
        let accounts = scope.define_class(ClassSpec::fixed(1), None)?;
        let banks = scope.define_class(ClassSpec::of(Format::INDEXABLE), None)?;

        // Handles survive collections. What `get` returns is valid until the scope is used mutably: to hold it over
        // an allocation does not compile.
        let account = scope.allocate(accounts, 0)?;
        let balance = scope.integer(100).ok_or("100 is small")?;
        scope.get(account).set_slot(0, scope.get(balance))?;
        let bank = scope.allocate(banks, 1000)?;
        for index in 0..1000 {
            scope.get(bank).set_slot(index, scope.get(account))?;
        }

        // The program changes: accounts get a currency. The new version takes over value and identity hash, and every
        // reference in the heap is one to it from then on, although none is looked for.
        let accounts_v2 = scope.define_class(ClassSpec::fixed(2), None)?;
        let account_v2 = scope.allocate(accounts_v2, 0)?;
        let hash = scope.get(account).identity_hash();
        scope.get(account_v2).set_slot(0, scope.get(account).slot(0)?)?;
        become_forward::<Lazy>(scope, account, account_v2, HashRule::Take)?;
        let seen = scope.get(bank).slot(999)?;
        assert_eq!(seen.class_index(), accounts_v2);
        assert_eq!(seen.slot(0)?.as_integer(), Some(100));
        assert_eq!(seen.identity_hash(), hash);

        // A collection removes the forwarder. A refused become changes nothing and says why.
        scope.collect(Collection::Full);
        assert!(scope.get(bank).slot(0)?.is_same(scope.get(account_v2)));
        let refused = become_forward::<Lazy>(scope, balance, account, HashRule::Keep);
        println!("refused, as it should be: {}", refused.unwrap_err());

        // An ephemeron reports when its key, here the only reference to a connection, has died.
        let ephemerons = scope.define_class(ClassSpec { format: Format::EPHEMERON, fixed_slots: 2 }, None)?;
        let connections = scope.define_class(ClassSpec::fixed(1), None)?;
        let guard = scope.allocate(ephemerons, 0)?;
        scope.scope(|inner| {
            let connection = inner.allocate(connections, 0)?;
            inner.get(guard).set_slot(0, inner.get(connection))?;
            Ok::<_, Box<dyn Error>>(())
        })?;
        scope.collect(Collection::Young);
        let fired = scope.next_finalizable().ok_or("the connection died")?;
        assert!(scope.get(fired).is_same(scope.get(guard)));
        println!("in use at the end: {} bytes", scope.mutator().heap().used_bytes());
        Ok(())
    })
}
