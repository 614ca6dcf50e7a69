     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
    50  the client puts a
    55  a is done, at sequence 2
   100  replica 2's disk stands still
   100  the client puts b
   105  b is done, at sequence 3
   150  replica 2 is killed
   150  replica 2 loses 3 records that were not flushed
   150  replica 2 starts in view 0
   450  the client puts c
   455  c is done, at sequence 4
   750  replica 0 has executed 4; the others are compared with it
