  272 ms  A has the votes of A, B and C, 3 of 5: A leads term 1.
  282 ms  A: entry 1 is on the disks of A, B and C, 3 of 5. It is committed.
  372 ms  Two of the five hear nothing any more.
          A client asks A for x.
  392 ms  A: entry 2 is on the disks of A, B and C, 3 of 5. It is committed.
          A executes entry 2: x.
          A is killed.
          All who are left hear one another.
  644 ms  E has heard no leader for 317 ms. It asks first: would you vote for me in term 2?
  649 ms  B would not vote for E: its own log is newer: it ends with entry 2 of term 1, E's with
            entry 1 of term 1.
          C would not vote for E: its own log is newer: it ends with entry 2 of term 1, E's with
            entry 1 of term 1.
          D would vote for E: it hears no leader either, and its log is not newer.
  940 ms  E has no majority after 296 ms. It asks again: would you vote for me in term 2?
  945 ms  B would not vote for E: its own log is newer: it ends with entry 2 of term 1, E's with
            entry 1 of term 1.
          C would not vote for E: its own log is newer: it ends with entry 2 of term 1, E's with
            entry 1 of term 1.
          D would vote for E: it hears no leader either, and its log is not newer.
 1412 ms  B has the votes of B, D and E, 3 of 5: B leads term 2.
 1432 ms  B: entry 3 is on the disks of B, C and D, 3 of 5. It is committed, and with it entry 2
            before it.
          B executes entry 2: x.
 1467 ms  C executes entry 2: x.
 1487 ms  D executes entry 2: x.
          E executes entry 2: x.
          (a log shows term:request; - is the empty entry that opens a term, ~ is not on disk yet)
          A is down  term 1   log  1:-  1:x                 committed up to 2
          B leads    term 2   log  1:-  1:x  2:-            committed up to 3
          C follows  term 2   log  1:-  1:x  2:-            committed up to 3
          D follows  term 2   log  1:-  1:x  2:-            committed up to 3
          E follows  term 2   log  1:-  1:x  2:-            committed up to 3
