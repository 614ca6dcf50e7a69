     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
    50  the client puts a
    55  a is done, at sequence 2
   100  replica 0 is killed
   100  the client puts b
   205  b is done, at sequence 3
   205  replica 1 leads in view 1
   205  replica 2 is a backup in view 1
   205  replica 3 is a backup in view 1
  1600  the client puts c
  1605  c is done, at sequence 4
  1650  replica 0 starts in view 0
  1655  replica 0 is a backup in view 1
  2650  replica 0 has executed 4; the others are compared with it
