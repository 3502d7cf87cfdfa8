//! The collector's threads. They sleep between jobs; the thread that asks for a job takes part in it.

#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use crate::collect::Indivisible;

type Job = &'static (dyn Fn(usize) + Sync);

#[derive(Default)]
struct State {
    generation: u64,
    job: Option<Job>,
    running: usize,
    panicked: bool,
    shutdown: bool,
}

#[derive(Default)]
struct Pool {
    state: Mutex<State>,
    job_posted: Condvar,
    job_done: Condvar,
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A fixed number of threads that run one job at a time together.
pub struct Workers {
    pool: Arc<Pool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count - 1` threads; the caller of [`run`](Self::run) is the first worker.
    pub fn new(count: usize) -> Workers {
        let pool = Arc::new(Pool::default());
        let spawn = |index| {
            let pool = pool.clone();
            std::thread::spawn(move || serve(&pool, index))
        };
        Workers { threads: (1..count).map(spawn).collect(), pool: pool.clone() }
    }

    /// Number of workers, the caller included.
    pub fn count(&self) -> usize {
        self.threads.len() + 1
    }

    /// As [`run`](Self::run), for jobs that leave the heap broken if one of the workers ends half-way: a panic in any
    /// of them ends the process.
    pub(crate) fn run_indivisible(&self, job: &(dyn Fn(usize) + Sync)) {
        self.run(&|index| {
            let indivisible = Indivisible::begin();
            job(index);
            indivisible.end();
        });
    }

    /// Calls `job` once on each worker with the worker's number and returns when all are done.
    ///
    /// # Panics
    /// If a worker panicked.
    pub fn run(&self, job: &(dyn Fn(usize) + Sync)) {
        if self.threads.is_empty() {
            return job(0);
        }
        // SAFETY: [job-outlived] the lifetime is extended only inside this function: it returns after `running` has
        // come down to 0, and a worker uses the job only before it counts itself out.
        let shared: Job = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Job>(job) };
        let mut state = self.pool.lock();
        state.generation += 1;
        state.job = Some(shared);
        state.running = self.threads.len();
        drop(state);
        self.pool.job_posted.notify_all();
        let own = catch_unwind(AssertUnwindSafe(|| job(0)));
        let mut state = self.pool.lock();
        while state.running > 0 {
            state = self.pool.job_done.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.job = None;
        let panicked = std::mem::take(&mut state.panicked);
        drop(state);
        if let Err(payload) = own {
            std::panic::resume_unwind(payload);
        }
        assert!(!panicked, "a collector thread panicked; its message is above");
    }
}

fn serve(pool: &Pool, index: usize) {
    let mut seen = 0;
    loop {
        let mut state = pool.lock();
        while state.generation == seen && !state.shutdown {
            state = pool.job_posted.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        if state.shutdown {
            return;
        }
        seen = state.generation;
        let Some(job) = state.job else { continue };
        drop(state);
        let outcome = catch_unwind(AssertUnwindSafe(|| job(index)));
        let mut state = pool.lock();
        state.panicked |= outcome.is_err();
        state.running -= 1;
        if state.running == 0 {
            pool.job_done.notify_one();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.pool.lock().shutdown = true;
        self.pool.job_posted.notify_all();
        for thread in self.threads.drain(..) {
            // A panic of the thread was reported by `run`.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[test]
    fn each_worker_runs_each_job_once() {
        let workers = Workers::new(3);
        for _ in 0..100 {
            let calls = [const { AtomicUsize::new(0) }; 3];
            workers.run(&|index| {
                calls[index].fetch_add(1, Relaxed);
            });
            assert!(calls.iter().all(|count| count.load(Relaxed) == 1));
        }
    }

    #[test]
    #[should_panic = "a collector thread panicked"]
    fn a_panic_in_a_worker_reaches_the_caller() {
        Workers::new(2).run(&|index| assert_eq!(index, 0, "expected by the test"));
    }
}
