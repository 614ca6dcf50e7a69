
-- (a) A leads; x reaches B and nobody else

  272 ms  A has the votes of A, B and C, 3 of 5: A leads term 1.
  282 ms  A: entry 1 is on the disks of A, B and C, 3 of 5. It is committed.
  372 ms  C, D and E hear nothing of A and B any more.
          A client asks A for x.
          (a log shows term:request; - is the empty entry that opens a term, ~ is not on disk yet)
          A leads    term 1   log  1:-  1:x                 committed up to 1
          B follows  term 1   log  1:-  1:x                 committed up to 1
          C follows  term 1   log  1:-                      committed up to 1
          D follows  term 1   log  1:-                      committed up to 1
          E follows  term 1   log  1:-                      committed up to 1

-- (b) A dies; E leads with the votes of C and D, and dies when its first entry is on its own disk alone

  392 ms  A is killed.
  664 ms  E has the votes of C, D and E, 3 of 5: E leads term 2.
          E is cut off, with what it was about to send.
          E is killed.
          A is down  term 1   log  1:-  1:x                 committed up to 1
          B follows  term 1   log  1:-  1:x                 committed up to 1
          C follows  term 2   log  1:-                      committed up to 1
          D follows  term 2   log  1:-                      committed up to 1
          E is down  term 2   log  1:-  2:-                 committed up to 1

-- (c) A comes back and leads again; x reaches C

  664 ms  A starts again, with what is on its disk.
          A, B, C and D hear one another.
  986 ms  A has the votes of A, B and C, 3 of 5: A leads term 3.
          From here on the disks of B, C and D are slow.
 1016 ms  C's disk has written x, and nothing behind it.
 1116 ms  A knows that x is on three disks of five. It does not commit it: x is of term 1, and A
            leads term 3.
          A leads    term 3   log  1:-  1:x  3:-            committed up to 1
          B follows  term 3   log  1:-  1:x  3:-~           committed up to 1
          C follows  term 3   log  1:-  1:x  3:-~           committed up to 1
          D follows  term 3   log  1:-  1:x~  3:-~          committed up to 1
          E is down  term 2   log  1:-  2:-                 committed up to 1

-- (e) Instead: A's own entry reaches a majority before A dies. Then x is committed with it, and E is not elected

 1121 ms  A: entry 3 is on the disks of A, B and C, 3 of 5. It is committed, and with it entry 2
            before it.
          A executes entry 2: x.
 1136 ms  A is killed.
          The network is whole.
          E starts again, with what is on its disk.
 1388 ms  E has heard no leader for 252 ms. It asks first: would you vote for me in term 3?
 1393 ms  B would not vote for E: it is in term 3 itself.
          C would not vote for E: it is in term 3 itself.
          D would not vote for E: it is in term 3 itself.
 1438 ms  E has heard no leader for 40 ms. It asks first: would you vote for me in term 4?
 1443 ms  B would not vote for E: its own log is newer: it ends with entry 3 of term 3, E's with
            entry 2 of term 2.
          C would not vote for E: its own log is newer: it ends with entry 3 of term 3, E's with
            entry 2 of term 2.
          D would not vote for E: its own log is newer: it ends with entry 3 of term 3, E's with
            entry 2 of term 2.
 2446 ms  D has the votes of B, C and D, 3 of 5: D leads term 5.
 2466 ms  D: entry 3 is on the disks of B, C and D, 3 of 5. It is committed, and with it entry 2
            before it.
          D executes entry 2: x.
 2471 ms  E executes entry 2: x.
 2511 ms  B executes entry 2: x.
          C executes entry 2: x.
          A starts again, with what is on its disk.
          A follows  term 5   log  1:-  1:x  3:-            committed up to 3
          B follows  term 5   log  1:-  1:x  5:-            committed up to 3
          C follows  term 5   log  1:-  1:x  5:-            committed up to 3
          D leads    term 5   log  1:-  1:x  5:-            committed up to 3
          E follows  term 5   log  1:-  1:x  5:-            committed up to 3
