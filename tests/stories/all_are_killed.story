     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
    50  the client puts a
    55  a is done, at sequence 2
   100  replica 0 is killed
   100  replica 1 is killed
   100  replica 2 is killed
   100  replica 3 is killed
   100  the client puts b
   400  replica 0 starts in view 0
   400  replica 1 starts in view 0
   400  replica 2 starts in view 0
   400  replica 3 starts in view 0
   405  b is done, at sequence 3
   405  replica 0 is a backup in view 1
   405  replica 1 leads in view 1
   405  replica 2 is a backup in view 1
   405  replica 3 is a backup in view 1
  2400  replica 0 has executed 3; the others are compared with it
