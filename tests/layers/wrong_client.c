/* A client that reaches into the replica: the layers test must name it. */
int wrong_replica_state(void);
int wrong_client_peeks(void);

int wrong_client_peeks(void)
{
	return wrong_replica_state();
}
