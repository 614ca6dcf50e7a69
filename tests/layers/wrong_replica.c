/* What wrong_client.c reaches for. */
int wrong_replica_state(void);

int wrong_replica_state(void)
{
	return 1;
}
