//! Work on many things at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// `work` of each of `items`, in their order, by as many threads as there are processors. After a failure no
/// further item is begun.
pub fn side_by_side<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    if items.len() < 4 {
        return items.iter().map(work).collect();
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let run = || -> anyhow::Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(done) };
            let result = work(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed));
            done.push((index, result?));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let panicked = |_| anyhow::anyhow!("a thread panicked");
        let parts: anyhow::Result<Vec<_>> =
            threads.into_iter().map(|thread| thread.join().map_err(panicked)?).collect();
        anyhow::Ok(parts?.into_iter().flatten().collect())
    })?;
    all.sort_by_key(|it| it.0);
    Ok(all.into_iter().map(|it| it.1).collect())
}
