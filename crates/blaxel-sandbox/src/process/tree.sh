# Finds the descendants of a process, and stops or kills them.
#
# $1: `freeze` or `kill`; $2: the PID of the root; $3: its marker, a line of the environment that descendants inherit.
# The other arguments are the PIDs that an earlier run has found.
#
# A process belongs to the tree if its parent, process group or session does, or if it has the marker. Stopped
# processes start no others, so freezing ends when a round finds no more.
mode=$1 root=$2 marker=$3
shift 3
known=" $* "

# Reads the state, parent, group and session of $1. Fails for a process that has ended.
look() {
    { read -r line < "/proc/$1/stat"; } 2>/dev/null || return 1
    set -- ${line##*) }
    state=$1 parent=$2 group=$3 session=$4
    case $state in Z | X | x) return 1 ;; esac
}

is_marked() {
    { tr '\0' '\n' < "/proc/$1/environ" | grep -qxF -e "$marker"; } 2>/dev/null
}

# Adds the processes of the tree that are not known, as $found.
scan() {
    found=
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        case $known in *" $pid "*) continue ;; esac
        look "$pid" || continue
        case " $root $known " in
            *" $pid "* | *" $parent "* | *" $group "* | *" $session "*) ;;
            *) is_marked "$pid" || continue ;;
        esac
        found="$found $pid"
        known="$known$pid "
    done
}

look "$root" && echo "root $root"
round=0
settled=no
while [ "$round" -lt 50 ]; do
    round=$((round + 1))
    scan
    if [ "$mode" = freeze ]; then
        [ -z "$found" ] && settled=yes && break
        kill -STOP $found 2>/dev/null
        continue
    fi
    left=
    for pid in $known; do
        look "$pid" && left="$left $pid"
    done
    [ -z "$left" ] && settled=yes && break
    kill -KILL $left 2>/dev/null
    sleep 0.1 2>/dev/null || sleep 1
done
echo "settled $settled"
echo "pids $known"
