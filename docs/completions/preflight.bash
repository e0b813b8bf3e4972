_preflight() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "check fix join run clean text verify review redo composite resume jobs upload uploads submit status wait serve doctor config trust completion --help --version" -- "$word"))
    return
  fi
  case "$command $before" in
    "check --format") COMPREPLY=($(compgen -W "table json jsonl csv junit" -- "$word")); return;;
    "check -f") COMPREPLY=($(compgen -W "table json jsonl csv junit" -- "$word")); return;;
    "check --deep") COMPREPLY=($(compgen -W "packets decode" -- "$word")); return;;
    "fix --policy") COMPREPLY=($(compgen -W "balanced lossless one-file" -- "$word")); return;;
    "run --language") COMPREPLY=($(compgen -W "en zh auto" -- "$word")); return;;
    "run --subtitles") COMPREPLY=($(compgen -W "srt vtt ass json" -- "$word")); return;;
    "run --accept") COMPREPLY=($(compgen -W "any strict" -- "$word")); return;;
    "run --policy") COMPREPLY=($(compgen -W "balanced lossless one-file" -- "$word")); return;;
    "run --service") COMPREPLY=($(compgen -W "auto local aidge" -- "$word")); return;;
    "clean --language") COMPREPLY=($(compgen -W "en zh auto" -- "$word")); return;;
    "clean --subtitles") COMPREPLY=($(compgen -W "srt vtt ass json" -- "$word")); return;;
    "text --role") COMPREPLY=($(compgen -W "caption watermark sign" -- "$word")); return;;
    "text --language") COMPREPLY=($(compgen -W "zh en" -- "$word")); return;;
    "verify --accept") COMPREPLY=($(compgen -W "any strict" -- "$word")); return;;
    "jobs --state") COMPREPLY=($(compgen -W "queued fixed uploading uploaded submitting submitted running done fetched mismatched failed unknown cancelled" -- "$word")); return;;
    "submit --language") COMPREPLY=($(compgen -W "en zh" -- "$word")); return;;
    "submit --service") COMPREPLY=($(compgen -W "auto local aidge" -- "$word")); return;;
    "status --service") COMPREPLY=($(compgen -W "auto local aidge" -- "$word")); return;;
    "wait --service") COMPREPLY=($(compgen -W "auto local aidge" -- "$word")); return;;
    "doctor --service") COMPREPLY=($(compgen -W "auto local aidge" -- "$word")); return;;
  esac
  case "$command" in
    check) COMPREPLY=($(compgen -W "--format --json --deep --text --strict --ignore --max-size --max-duration --jobs --report --null --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    fix) COMPREPLY=($(compgen -W "--output --policy --trim --safe --quality --min-quality --encoder --preset --tree --dry-run --report --null --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    join) COMPREPLY=($(compgen -W "--output --remove-audio --overwrite --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    run) COMPREPLY=($(compgen -W "--output --language --all-text --remove-audio --color-blocks --box --composite --no-composite --protect --only --keep-text --restore-text --request --skip-textless --subtitles --verify --no-verify --accept --repair --trim --policy --min-quality --service --jobs --cluster --deadline --keep --keep-upload --delete-upload --dry-run --tree --skip-existing --max-jobs --budget --on-done --report --null --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    clean) COMPREPLY=($(compgen -W "--output --language --all-text --remove-audio --color-blocks --box --sheet --overlay --subtitles --smart-encode --fill-model --processes --overwrite --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    text) COMPREPLY=($(compgen -W "--output --role --language --split-languages --overwrite --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    verify) COMPREPLY=($(compgen -W "--evidence --all-text --accept --repair --overwrite --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    review) COMPREPLY=($(compgen -W "--html --port --browser --overwrite --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    redo) COMPREPLY=($(compgen -W "--decisions --protect --only --keep-text --restore-text --fill --by-service --yes --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    composite) COMPREPLY=($(compgen -W "--output --protect --only --remove-audio --overwrite --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    resume) COMPREPLY=($(compgen -W "--jobs --cluster --report --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    jobs) COMPREPLY=($(compgen -W "show resolve retry budget prune forget --state --watch --json --config --quiet --verbose --log-file --debug --resubmit --task --drop --days --force --help" -- "$word"));;
    upload) COMPREPLY=($(compgen -W "--life --jobs --report --hide-url --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    uploads) COMPREPLY=($(compgen -W "--abort --older --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    submit) COMPREPLY=($(compgen -W "--language --all-text --remove-audio --color-blocks --box --service --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    status) COMPREPLY=($(compgen -W "--service --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    wait) COMPREPLY=($(compgen -W "--output --deadline --service --overwrite --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    serve) COMPREPLY=($(compgen -W "--port --store-port --host --answer --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    doctor) COMPREPLY=($(compgen -W "--service --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    config) COMPREPLY=($(compgen -W "init --json --config --quiet --verbose --log-file --debug --help" -- "$word"));;
    trust) COMPREPLY=($(compgen -W "--config --quiet --verbose --log-file --debug --help" -- "$word"));;
    completion) COMPREPLY=($(compgen -W "bash zsh fish --config --quiet --verbose --log-file --debug --help" -- "$word"));;
  esac
  [[ "$word" == -* ]] || COMPREPLY+=($(compgen -f -- "$word"))
}
complete -o filenames -F _preflight preflight
