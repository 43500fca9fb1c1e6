# From the runs of each case: medians, ratios to ours, and a table in Markdown.
def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
def rounded(digits): pow(10; digits) as $unit | . * $unit | round / $unit;
def mebibytes: . / 1048576 | round;

map(. + {median: ([.runs[0] | keys[]] as $keys | .runs as $runs
  | [$keys[] | {(.): (. as $key | [$runs[][$key]] | median)}] | add)})
| (map(select(.by == "nuvol") | {(.work): .median.seconds}) | add) as $ours
| map(. + {ratio: (if $ours[.work] then .median.seconds / $ours[.work] else null end)})
| {
  about: $about,
  circumstances: ("\($about.date), \($about.processors) processors, Linux \($about.kernel): medians of " +
    "\(.[0].runs | length) runs; " + ([$about.versions | to_entries[] | "\(.key) \(.value)"] | join(", "))),
  table: ([
    "| work | by | seconds | ratio | CPU s | memory MiB | disk MiB |",
    "|---|---|---|---|---|---|---|",
    (.[] | "| \(.work) | \(.by) | \(.median.seconds | rounded(2)) | \(.ratio | if . then rounded(1) else "" end)" +
      " | \(.median.cpu | rounded(1)) | \(.median.memory | mebibytes) | \(.median.disk | mebibytes) |")
  ] | join("\n")),
  cases: .
}
