// Rust's std::process::Command: status() of /bin/true.
//
//   spawn_rs [--quick] [--rss_mib=10,1024]

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn median_microseconds(seconds: f64) -> f64 {
    let mut took = Vec::new();
    let start = Instant::now();
    let mut before = start;
    while before.duration_since(start).as_secs_f64() < seconds || took.len() < 5 {
        assert!(Command::new("/bin/true").status().unwrap().success());
        let now = Instant::now();
        took.push(now.duration_since(before).as_secs_f64() * 1e6);
        before = now;
    }
    median(took)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|a| a == "--quick");
    let sizes = arguments.iter().find_map(|a| a.strip_prefix("--rss_mib=")).unwrap_or("10,1024");
    for size in sizes.split(',') {
        let mib: usize = size.parse().unwrap();
        let ballast = vec![1u8; mib << 20];
        let samples: Vec<f64> = (0..if quick { 3 } else { 7 })
            .map(|_| median_microseconds(if quick { 0.12 } else { 0.4 }))
            .collect();
        let min = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let max = samples.iter().copied().fold(0.0, f64::max);
        println!(
            "{{\"item\":\"spawn\",\"who\":\"rust_std_process\",\"p\":{{\"how\":\"status\",\"rss_mib\":{}}},\
             \"metric\":\"p50\",\"unit\":\"us\",\"median\":{},\"min\":{},\"max\":{},\"iqr\":{},\"n\":{}}}",
            mib, median(samples.clone()), min, max, max - min, samples.len()
        );
        black_box(&ballast);
    }
}
