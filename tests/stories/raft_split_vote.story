
-- A and B wake together; A is near to C, B is near to D

  300 ms  A has heard no leader for 300 ms. It asks first: would you vote for me in term 1?
          B has heard no leader for 300 ms. It asks first: would you vote for me in term 1?
  305 ms  C would vote for A: it hears no leader either, and its log is not newer.
          D would vote for B: it hears no leader either, and its log is not newer.
  340 ms  B would vote for A: it hears no leader either, and its log is not newer.
          D would vote for A: it hears no leader either, and its log is not newer.
          A would vote for B: it hears no leader either, and its log is not newer.
          C would vote for B: it hears no leader either, and its log is not newer.
  380 ms  A stands in term 1: it votes for itself, and asks the others once that is on its disk.
          B stands in term 1: it votes for itself, and asks the others once that is on its disk.
  385 ms  C votes for A in term 1; the vote is on its disk before it is said.
          D votes for B in term 1; the vote is on its disk before it is said.
  420 ms  B does not vote for A: it has voted for itself in term 1.
          D does not vote for A: its vote of term 1 is B's.
          A does not vote for B: it has voted for itself in term 1.
          C does not vote for B: its vote of term 1 is A's.
  480 ms  Two votes of four for A, two for B, and three are needed: term 1 ends without a leader.

-- Timers are drawn anew

  733 ms  D has heard no leader for 348 ms. It asks first: would you vote for me in term 2?
  737 ms  A has no majority after 357 ms. It asks again: would you vote for me in term 2?
  738 ms  B would vote for D: it hears no leader either, and its log is not newer.
  742 ms  C would vote for A: it hears no leader either, and its log is not newer.
  773 ms  A would vote for D: it hears no leader either, and its log is not newer.
          C would vote for D: it hears no leader either, and its log is not newer.
  777 ms  B would vote for A: it hears no leader either, and its log is not newer.
          D would vote for A: it hears no leader either, and its log is not newer.
  786 ms  B has no majority after 406 ms. It asks again: would you vote for me in term 2?
  791 ms  D would vote for B: it hears no leader either, and its log is not newer.
  813 ms  D stands in term 2: it votes for itself, and asks the others once that is on its disk.
  817 ms  A stands in term 2: it votes for itself, and asks the others once that is on its disk.
  818 ms  B votes for D in term 2; the vote is on its disk before it is said.
  822 ms  C votes for A in term 2; the vote is on its disk before it is said.
  826 ms  A would not vote for B: it is in term 2 itself.
          C would not vote for B: it is in term 2 itself.
  853 ms  A does not vote for D: it has voted for itself in term 2.
          C does not vote for D: its vote of term 2 is A's.
  857 ms  B does not vote for A: its vote of term 2 is D's.
          D does not vote for A: it has voted for itself in term 2.
 1170 ms  C has heard no leader for 348 ms. It asks first: would you vote for me in term 3?
 1175 ms  A would vote for C: it hears no leader either, and its log is not newer.
 1210 ms  B would vote for C: it hears no leader either, and its log is not newer.
          D would vote for C: it hears no leader either, and its log is not newer.
 1223 ms  A has no majority after 406 ms. It asks again: would you vote for me in term 3?
 1228 ms  D has no majority after 415 ms. It asks again: would you vote for me in term 3?
          C would vote for A: it hears no leader either, and its log is not newer.
 1230 ms  B has heard no leader for 412 ms. It asks first: would you vote for me in term 3?
 1233 ms  B would vote for D: it hears no leader either, and its log is not newer.
 1235 ms  D would vote for B: it hears no leader either, and its log is not newer.
 1250 ms  C stands in term 3: it votes for itself, and asks the others once that is on its disk.
 1255 ms  A votes for C in term 3; the vote is on its disk before it is said.
 1263 ms  B would vote for A: it hears no leader either, and its log is not newer.
          D would vote for A: it hears no leader either, and its log is not newer.
 1268 ms  A would not vote for D: it is in term 3 itself.
          C would not vote for D: it is in term 3 itself.
 1270 ms  A would not vote for B: it is in term 3 itself.
          C would not vote for B: it is in term 3 itself.
 1290 ms  B votes for C in term 3; the vote is on its disk before it is said.
          D votes for C in term 3; the vote is on its disk before it is said.
 1330 ms  C has the votes of A, B and C, 3 of 4: C leads term 3.
          C sends entry 1 (it opens term 3) to the others, and writes it to its own disk meanwhile.
 1335 ms  A has entry 1 on its disk and says so.
 1370 ms  B has entry 1 on its disk and says so.
          D has entry 1 on its disk and says so.
 1410 ms  C: entry 1 is on the disks of A, B and C, 3 of 4. It is committed.
          (a log shows term:request; - is the empty entry that opens a term, ~ is not on disk yet)
          A follows  term 3   log  3:-                      committed up to 1
          B follows  term 3   log  3:-                      committed up to 1
          C leads    term 3   log  3:-                      committed up to 1
          D follows  term 3   log  3:-                      committed up to 1
